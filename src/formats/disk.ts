/**
 * What writing safely is made of: names beside a target, and waiting for the disk.
 * @module
 */
import { mkdir, open, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'

import { UserError } from '../errors.ts'

/** A hidden name beside a target, on the same file system, so that one rename leads to the other. */
export function beside(path: string, suffix: string): string {
  const target = resolve(path)
  return join(dirname(target), `.${basename(target)}.${suffix}`)
}

/** Writing to what is open fails without a word about which; this says it. */
export function withPath(path: string, error: unknown): unknown {
  return error instanceof Error && 'syscall' in error && !('path' in error)
    ? Object.assign(error, { path })
    : error
}

/**
 * Makes a folder and those that it lies in, where they are not there. Node's `mkdir` with `recursive` never returns where a folder
 * takes no others, as in /proc.
 *
 * @throws UserError where a part of the path is a file, or a folder in which nothing can be made
 */
export async function makeFolder(path: string): Promise<void> {
  const kind = await kindOf(path)
  if (kind === 'folder') return
  if (kind === 'file')
    throw new UserError(`${path} is a file where a folder is needed; move it, or name another place`)
  await makeFolder(dirname(resolve(path)))
  await mkdir(path).catch((error: NodeJS.ErrnoException) => {
    // Another process was faster.
    if (error.code === 'EEXIST') return
    throw error.code === 'ENOENT' ? notWritable(path) : error
  })
}

/** Of a place in a folder that is there and takes nothing. */
export const notWritable = (path: string): UserError =>
  new UserError(`${path} cannot be written, as its folder takes no files or folders; name another place`)

/** What there is at a path; undefined: nothing. */
export async function kindOf(path: string): Promise<'folder' | 'file' | undefined> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw error
  })
  return found && (found.isDirectory() ? 'folder' : 'file')
}

export async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await syncTree(path)
    else if (entry.isFile()) await sync(path)
  }
  await sync(folder)
}

/** Waits until a file or folder is on the disk. Windows opens no folders, and syncs only what is open for writing. */
export async function sync(path: string): Promise<void> {
  const windows = process.platform === 'win32'
  if (windows && (await kindOf(path)) === 'folder') return
  const handle = await open(path, windows ? 'r+' : 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
