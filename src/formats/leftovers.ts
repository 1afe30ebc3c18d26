/**
 * Files and folders that bear the mark of the process that makes them, so that what a killed one left is known, and removed by the
 * next that makes such a one.
 * @module
 */
import { randomUUID } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'

import { beside } from './disk.ts'
import { removeFolder, removeFolderOnExit } from './on_exit.ts'
import { isAlive, markedOwner, ownerMark, thisProcess } from './processes.ts'

const NEW = '.new'

/** No mark has it; what follows tells the files of one process apart. */
const APART = '+'

/** A new name of this process's beside a target. */
export const markedBeside = (path: string): string =>
  beside(path, `${ownerMark(thisProcess())}${APART}${randomUUID().slice(0, 8)}${NEW}`)

/** Removes the files of killed processes beside a target. */
export function removeBeside(path: string): Promise<void> {
  const [target, before] = [resolve(path), `.${basename(path)}.`]
  return removeDead(dirname(target), false, (name) =>
    name.startsWith(before) && name.endsWith(NEW)
      ? name.slice(before.length, -NEW.length).split(APART)[0]
      : undefined,
  )
}

/** Removes the files of killed processes that are called as a target, with a mark behind: `.lock.1234-567890-host`. */
export function removeBehind(path: string): Promise<void> {
  const before = `${basename(path)}.`
  return removeDead(dirname(resolve(path)), false, (name) =>
    name.startsWith(before) ? name.slice(before.length) : undefined,
  )
}

const TEMPORARY = 'ortune-prepare-'

/** Does something with a folder among the system's temporary ones, which goes afterwards. */
export async function withTemporaryFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  await removeDead(tmpdir(), true, (name) =>
    name.startsWith(TEMPORARY) ? name.slice(TEMPORARY.length, name.lastIndexOf('.')) : undefined,
  )
  const folder = await mkdtemp(join(tmpdir(), `${TEMPORARY}${ownerMark(thisProcess())}.`))
  const forget = removeFolderOnExit(folder)
  try {
    return await work(folder)
  } finally {
    forget()
    await removeFolder(folder)
  }
}

/**
 * Removes what processes left that are gone. What cannot be removed, such as another user's, stays.
 *
 * @param recursive whether they are folders
 * @param markIn the mark in a name, or undefined
 */
async function removeDead(
  folder: string,
  recursive: boolean,
  markIn: (name: string) => string | undefined,
): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const owner = markedOwner(markIn(name) ?? '')
    if (owner && !isAlive(owner))
      await rm(join(folder, name), { recursive, force: true }).catch(() => undefined)
  }
}
