/**
 * A folder of files that others may open at any moment while it is replaced: a run's checkpoints.
 *
 * The new files are written beside it, synced, and their folder is renamed to `.target.ready`: from here on they count. Then
 * each is renamed onto the one of before. So the folder never goes away, and each file in it is whole; one that a reader has
 * open stays what it was. What a kill interrupted is finished by {@link recoverStandingFolder}:
 *
 *     target     .target.new  .target.ready    killed while    recovery
 *     old        part         –                writing         delete the new
 *     old, new   –            the rest         renaming        rename the rest
 * @module
 */
import { readdir, rename, rmdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'

import { fillTemporary, recoverFolder } from './atomic.ts'
import { STATE_FILE } from './checkpoint_seal.ts'
import { beside, kindOf, sync } from './disk.ts'

/**
 * Writes the folder, or replaces its files, of which it has the same ones each time. One writer at a time.
 *
 * @param fill gets an empty folder and puts the files there; where it fails, all stays as it was
 */
export async function writeStandingFolder(
  path: string,
  fill: (temporaryFolder: string) => Promise<void>,
): Promise<void> {
  await recoverStandingFolder(path)
  const temporary = beside(path, 'new')
  await fillTemporary(path, temporary, fill)
  await rename(temporary, (await kindOf(path)) ? beside(path, 'ready') : path)
  await sync(dirname(temporary))
  await moveReady(path)
}

/** Finishes or undoes a {@link writeStandingFolder} that was killed. The writer's to call, not a reader's. */
export async function recoverStandingFolder(path: string): Promise<void> {
  await moveReady(path)
  await recoverFolder(path, ['new', 'old'])
}

/**
 * Where the folder can be read. Earlier versions replaced it by two renames, and a kill between them left it beside its place.
 */
export async function standingFolder(path: string): Promise<string> {
  const [temporary, old] = [beside(path, 'new'), beside(path, 'old')]
  if ((await kindOf(path)) || !(await kindOf(old))) return path
  return (await kindOf(temporary)) ? temporary : old
}

async function moveReady(path: string): Promise<void> {
  const ready = beside(path, 'ready')
  if (!(await kindOf(ready))) return
  if (await kindOf(path)) {
    for (const name of await inOrder(ready)) await rename(join(ready, name), join(path, name))
    await sync(path)
    await rmdir(ready)
  } else await rename(ready, path)
  await sync(dirname(resolve(path)))
}

/** What holds the digests of the others goes last, so that a reader finds those of the new ones in the one place or the other. */
async function inOrder(folder: string): Promise<string[]> {
  const names = await readdir(folder)
  return [...names.filter((name) => name !== STATE_FILE), ...names.filter((name) => name === STATE_FILE)]
}
