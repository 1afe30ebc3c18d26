/**
 * Files and folders that appear whole or not at all, whenever the process is killed.
 *
 * Content is written beside its target, synced to the disk, then renamed. A folder that exists cannot be replaced by one
 * rename, so the old one steps aside first; the names it and the new one bear meanwhile are fixed, and `recoverFolder`
 * finishes or undoes whatever a kill interrupted:
 *
 *     target  .target.new  .target.old    killed while                  recovery
 *     old     part         –              writing                       delete the new
 *     –       whole        old            between the two renames       rename the new to the target, delete the old
 *     new     –            old            deleting the old              delete the old
 * @module
 */
import type { FileHandle } from 'node:fs/promises'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'

import { UserError } from '../errors.ts'

/**
 * Writes a file, or replaces it: `content` is the whole, or a function that writes it to an open file in order. Missing
 * parent folders are made.
 */
export async function writeFileAtomic(
  path: string,
  content: Uint8Array | string | ((file: FileHandle) => Promise<void>),
): Promise<void> {
  const temporary = beside(path, 'new')
  await mkdir(dirname(temporary), { recursive: true })
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
    throw error
  }
  await sync(dirname(resolve(path)))
}

/**
 * Writes a folder, or replaces it with everything in it: `fill` gets an empty folder and puts the files there. Where
 * `fill` fails, the target stays as it was. Missing parent folders are made. One writer at a time.
 */
export async function writeFolderAtomic(
  path: string,
  fill: (temporaryFolder: string) => Promise<void>,
): Promise<void> {
  await recoverFolder(path)
  const exists = await kindOf(path)
  if (exists === 'file')
    throw new UserError(`${path} is a file where a folder is to be written; move it or name another folder`)
  const [temporary, old] = [beside(path, 'new'), beside(path, 'old')]
  await mkdir(temporary, { recursive: true })
  try {
    await fill(temporary)
    await syncTree(temporary)
  } catch (error) {
    await rm(temporary, { recursive: true, force: true })
    throw error
  }
  const parent = dirname(resolve(path))
  if (exists) await rename(path, old)
  await rename(temporary, path)
  await sync(parent)
  await rm(old, { recursive: true, force: true })
}

/** Cleans up after a `writeFolderAtomic` that was killed: afterwards `path` is whole, or was never written. */
export async function recoverFolder(path: string): Promise<void> {
  const [temporary, old] = [beside(path, 'new'), beside(path, 'old')]
  if (!(await kindOf(path)) && (await kindOf(old))) {
    await rename((await kindOf(temporary)) ? temporary : old, path)
    await sync(dirname(resolve(path)))
  }
  await rm(temporary, { recursive: true, force: true })
  await rm(old, { recursive: true, force: true })
}

function beside(path: string, suffix: 'new' | 'old'): string {
  const target = resolve(path)
  return join(dirname(target), `.${basename(target)}.${suffix}`)
}

async function kindOf(path: string): Promise<'folder' | 'file' | undefined> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw error
  })
  return found && (found.isDirectory() ? 'folder' : 'file')
}

async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await syncTree(path)
    else if (entry.isFile()) await sync(path)
  }
  await sync(folder)
}

/** Waits until a file or folder is on the disk. Windows opens no folders, and syncs only what is open for writing. */
async function sync(path: string): Promise<void> {
  const windows = process.platform === 'win32'
  if (windows && (await kindOf(path)) === 'folder') return
  const handle = await open(path, windows ? 'r+' : 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
