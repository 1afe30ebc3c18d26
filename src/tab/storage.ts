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
  /** The names in a folder; none where there is no such folder. */
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

function isReplaced(error: unknown): boolean {
  const reason = error instanceof UserError ? error.cause : error
  return reason instanceof DOMException && ['NotReadableError', 'NotFoundError'].includes(reason.name)
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
  const top = await origin.getDirectoryHandle(root, { create: true })

  const partsOf = (path: string): [folders: string[], name: string] => {
    const parts = path.split('/')
    return [parts.slice(0, -1), parts.at(-1)!]
  }
  /** The folder; undefined where there is none and none is to be made. */
  async function folderAt(folders: readonly string[], create: boolean) {
    let folder = top
    for (const name of folders) {
      const next = await folder.getDirectoryHandle(name, { create }).catch(orAbsent)
      if (!next) return undefined
      folder = next
    }
    return folder
  }

  return {
    async read(path) {
      const [folders, name] = partsOf(path)
      const folder = await folderAt(folders, false)
      const handle = await folder?.getFileHandle(name).catch(orAbsent)
      const file = await handle?.getFile()
      // One that is being written for the first time, or was when its tab was closed, has a name and no bytes.
      return file && file.size > 0 ? file : undefined
    },
    async write(path, pieces) {
      const [folders, name] = partsOf(path)
      try {
        const folder = await folderAt(folders, true)
        const handle = await folder!.getFileHandle(name, { create: true })
        // Written beside the file, which `close` replaces.
        const file = await handle.createWritable()
        try {
          await file.write(new Blob([...pieces]))
          await file.close()
        } catch (error) {
          await file.abort().catch(() => undefined)
          // Of a new file only its name is there.
          if ((await handle.getFile()).size === 0) await folder!.removeEntry(name)
          throw error
        }
      } catch (error) {
        throw full(path, error)
      }
    },
    async list(folder) {
      const found = await folderAt(folder.split('/'), false)
      const names: string[] = []
      if (found) for await (const name of found.keys()) names.push(name)
      return names.sort()
    },
    async remove(path) {
      const [folders, name] = partsOf(path)
      const folder = await folderAt(folders, false)
      await folder?.removeEntry(name, { recursive: true }).catch(orAbsent)
    },
    alone: (name, work) =>
      navigator.locks.request(`${root}/${name}`, { ifAvailable: true }, (lock) => {
        if (!lock) throw busy(name)
        return work()
      }),
  }
}

function orAbsent(error: unknown): undefined {
  if (error instanceof DOMException && error.name === 'NotFoundError') return undefined
  throw error
}

function full(path: string, error: unknown): unknown {
  if (!(error instanceof DOMException) || error.name !== 'QuotaExceededError') return error
  return new UserError(
    `the browser's storage has no room for ${path}, and what was kept before stays; remove runs or models of this page, or free space on the disk`,
  )
}
