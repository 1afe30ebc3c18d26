/**
 * Files and folders that appear whole or not at all, whenever the process is killed.
 *
 * Content is written beside its target, synced to the disk, then renamed. A folder that exists cannot be replaced by one
 * rename, so the old one steps aside first; the names it and the new one bear meanwhile are fixed, and `recoverFolder`
 * finishes or undoes whatever a kill interrupted:
 *
 *     target  .target.ortune-new  .target.ortune-old    killed while                  recovery
 *     old     part                –                     writing                       delete the new
 *     –       whole               old                   between the two renames       rename the new to the target, delete the old
 *     new     –                   old                   deleting the old              delete the old
 *
 * The names are none that anybody else gives: what bears them is deleted.
 * A folder that others read while it is replaced is written by `standing_folder.ts`.
 * @module
 */
import { rmSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { open, rename, rm } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

import { UserError } from '../errors.ts'
import { beside, kindOf, makeFolder, sync, syncTree, withPath } from './disk.ts'
import { onExit, removeFolder, removeFolderOnExit } from './on_exit.ts'
import { markedBeside, removeBeside } from './leftovers.ts'
import { withLock } from './lock.ts'

/** What follows the target's name, of the new folder and of the old one. */
export const SUFFIXES = ['ortune-new', 'ortune-old'] as const

/**
 * Writes a file, or replaces it: `content` is the whole, or a function that writes it to an open file in order. Missing
 * parent folders are made.
 */
export async function writeFileAtomic(
  path: string,
  content: Uint8Array | string | ((file: FileHandle) => Promise<void>),
): Promise<void> {
  // Several may write the same file, such as evaluations of the same run, in one process or two; the last one stays.
  const temporary = markedBeside(path)
  await makeFolder(dirname(temporary))
  await removeBeside(path)
  const forget = onExit(() => rmSync(temporary, { force: true }))
  try {
    const file = await open(temporary, 'w')
    try {
      if (typeof content === 'function') await content(file)
      else await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw withPath(path, error)
  } finally {
    forget()
  }
  await sync(dirname(resolve(path)))
}

/**
 * Writes a folder, or replaces it with everything in it: `fill` gets an empty folder and puts the files there. Where
 * `fill` fails, the target stays as it was. Missing parent folders are made.
 *
 * @param mayReplace throws where what lies at the target must stay; nobody else writes there meanwhile
 * @throws UserError where another process writes the same folder
 */
export async function writeFolderAtomic(
  path: string,
  fill: (temporaryFolder: string) => Promise<void>,
  mayReplace?: () => Promise<void>,
): Promise<void> {
  const lock = beside(path, 'ortune-lock')
  await makeFolder(dirname(lock))
  await withLock(lock, path, async () => {
    await recoverFolder(path)
    const exists = await kindOf(path)
    if (exists === 'file')
      throw new UserError(`${path} is a file where a folder is to be written; move it or name another folder`)
    await mayReplace?.()
    const [temporary, old] = besideBoth(path, SUFFIXES)
    await fillTemporary(path, temporary, fill)
    if (exists) await rename(path, old)
    await rename(temporary, path)
    await sync(dirname(temporary))
    await removeFolder(old)
  })
}

/**
 * Makes a folder, fills it, and waits until it is on the disk; where that fails or the process ends, there is none.
 *
 * @param path what it is to become
 */
export async function fillTemporary(
  path: string,
  temporary: string,
  fill: (folder: string) => Promise<void>,
): Promise<void> {
  const forget = removeFolderOnExit(temporary)
  try {
    await makeFolder(temporary)
    await fill(temporary)
    await syncTree(temporary)
  } catch (error) {
    await removeFolder(temporary)
    throw withPath(path, error)
  } finally {
    forget()
  }
}

/** Cleans up after a `writeFolderAtomic` that was killed: afterwards `path` is whole, or was never written. */
export async function recoverFolder(
  path: string,
  suffixes: readonly [string, string] = SUFFIXES,
): Promise<void> {
  const [temporary, old] = besideBoth(path, suffixes)
  if (!(await kindOf(path)) && (await kindOf(old))) {
    await rename((await kindOf(temporary)) ? temporary : old, path)
    await sync(dirname(resolve(path)))
  }
  await removeFolder(temporary)
  await removeFolder(old)
}

const besideBoth = (path: string, [temporary, old]: readonly [string, string]) =>
  [beside(path, temporary), beside(path, old)] as const
