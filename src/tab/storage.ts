/**
 * Where a page keeps runs, models and adapters, so that a reload loses nothing: files by paths such as `runs/words/run.json`.
 * @module
 */
import { UserError } from '../errors.ts'

export interface TabStorage {
  read(path: string): Promise<Blob | undefined>
  /**
   * Writes a file whole or not at all, in place of what was there.
   *
   * @throws UserError where there is no room; what was there stays
   */
  write(path: string, pieces: readonly BlobPart[]): Promise<void>
  /** The names in a folder, sorted; none where there is no such folder. */
  list(folder: string): Promise<string[]>
  /** Removes a file, or a folder with all in it. */
  remove(path: string): Promise<void>
  /**
   * Keeps something to this page alone while it works.
   *
   * @throws UserError where another tab has it
   */
  alone<T>(name: string, work: () => Promise<T>): Promise<T>
}

/** How often a file is opened again that was replaced while it was read. */
const TRIES = 5

/**
 * Uses a file that a run in training may replace at any moment: where that happens in between, the new one is used.
 *
 * @returns undefined where there is no such file
 */
export async function withFile<T>(
  storage: Pick<TabStorage, 'read'>,
  path: string,
  use: (file: Blob) => Promise<T>,
): Promise<T | undefined> {
  for (let tried = 1; ; tried++) {
    const file = await storage.read(path)
    if (!file) return undefined
    try {
      return await use(file)
    } catch (error) {
      if (tried === TRIES || !isReplaced(error)) throw error
    }
  }
}

/** Does what writes a new folder; where that fails, nothing of the folder is left. */
export async function wholeFolder(
  storage: Pick<TabStorage, 'remove'>,
  folder: string,
  write: () => Promise<void>,
): Promise<void> {
  try {
    await write()
  } catch (error) {
    await storage.remove(folder)
    throw error
  }
}

function isReplaced(error: unknown): boolean {
  const reason = error instanceof UserError ? error.cause : error
  return isNamed(reason, 'NotReadableError', 'NotFoundError')
}

const busy = (name: string): UserError =>
  new UserError(`${name} is in use by another tab of this browser; close that one, or wait until it is done`)

/** In memory: what is kept ends with the page. */
export function memoryStorage(): TabStorage {
  const files = new Map<string, Blob>()
  const held = new Set<string>()
  return {
    read: async (path) => files.get(path),
    write: async (path, pieces) => void files.set(path, new Blob([...pieces])),
    async list(folder) {
      const inside = [...files.keys()].filter((path) => path.startsWith(`${folder}/`))
      return [...new Set(inside.map((path) => path.slice(folder.length + 1).split('/')[0]!))].sort()
    },
    async remove(path) {
      for (const one of [...files.keys()]) if (one === path || one.startsWith(`${path}/`)) files.delete(one)
    },
    async alone(name, work) {
      if (held.has(name)) throw busy(name)
      held.add(name)
      try {
        return await work()
      } finally {
        held.delete(name)
      }
    },
  }
}

/**
 * The browser's own storage for this site (the origin private file system), in which files outlast the page.
 *
 * @param root a folder of it
 * @throws UserError where the browser has none, as in some private windows
 */
export async function opfsStorage(root = 'ortune'): Promise<TabStorage> {
  const origin = await navigator.storage?.getDirectory?.().catch(() => undefined)
  if (!origin)
    throw new UserError(
      'this browser gives the page no storage, as in some private windows, so nothing outlasts a reload; open the page in an ordinary window of a current browser',
    )

  const partsOf = (path: string): [folders: string[], name: string] => {
    const parts = path.split('/')
    return [parts.slice(0, -1), parts.at(-1)!]
  }
  /** A folder, which is made where there is none. All are looked up anew, as people clear a browser's storage while a page is open. */
  async function makeFolder(folders: readonly string[]): Promise<FileSystemDirectoryHandle> {
    let folder = await navigator.storage.getDirectory()
    for (const name of [root, ...folders]) folder = await folder.getDirectoryHandle(name, { create: true })
    return folder
  }
  /** A folder; undefined where there is none. */
  async function folderAt(folders: readonly string[]): Promise<FileSystemDirectoryHandle | undefined> {
    let folder: FileSystemDirectoryHandle | undefined = await navigator.storage.getDirectory()
    for (const name of [root, ...folders]) folder = await folder?.getDirectoryHandle(name).catch(orAbsent)
    return folder
  }

  return {
    async read(path) {
      const [folders, name] = partsOf(path)
      const folder = await folderAt(folders)
      const handle = await folder?.getFileHandle(name).catch(orAbsent)
      const file = await handle?.getFile()
      // One that is being written for the first time, or was when its tab was closed, has a name and no bytes.
      return file && file.size > 0 ? file : undefined
    },
    async write(path, pieces) {
      const [folders, name] = partsOf(path)
      try {
        const folder = await makeFolder(folders)
        const handle = await folder.getFileHandle(name, { create: true })
        // Written beside the file, which `close` replaces.
        const file = await handle.createWritable()
        try {
          await file.write(new Blob([...pieces]))
          await file.close()
        } catch (error) {
          await file.abort().catch(() => undefined)
          // Of a new file only its name is there.
          if ((await handle.getFile()).size === 0) await folder.removeEntry(name)
          throw error
        }
      } catch (error) {
        throw notWritten(path, error)
      }
    },
    async list(folder) {
      const found = await folderAt(folder.split('/'))
      const names: string[] = []
      if (found) for await (const name of found.keys()) names.push(name)
      return names.sort()
    },
    async remove(path) {
      const [folders, name] = partsOf(path)
      const folder = await folderAt(folders)
      await folder?.removeEntry(name, { recursive: true }).catch(orAbsent)
    },
    alone: (name, work) =>
      navigator.locks.request(`${root}/${name}`, { ifAvailable: true }, (lock) => {
        if (!lock) throw busy(name)
        return work()
      }),
  }
}

/** Of a name that no file can have, such as `..`, the browser throws TypeError: there is none of that name. */
function orAbsent(error: unknown): undefined {
  if (error instanceof TypeError || isNamed(error, 'NotFoundError')) return undefined
  throw error
}

function notWritten(path: string, error: unknown): unknown {
  if (isNamed(error, 'QuotaExceededError'))
    return new UserError(
      `the browser's storage has no room for ${path}, and what was kept before stays; remove runs or models of this page, or free space on the disk`,
    )
  if (isNamed(error, 'NotFoundError'))
    return new UserError(`the browser's storage was cleared while ${path} was written; do it again`)
  if (error instanceof TypeError) return new UserError(`no file can be called ${path}; choose another name`)
  return error
}

const isNamed = (error: unknown, ...names: string[]): boolean =>
  error instanceof DOMException && names.includes(error.name)
