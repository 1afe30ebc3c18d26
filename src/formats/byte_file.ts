/**
 * Files, wherever their bytes lie: on a disk (`disk_file.ts`), in a browser's hands or in memory.
 * @module
 */
import { UserError } from '../errors.ts'

/** A file, which is opened anew for each reading. */
export interface ByteFile {
  /** What errors call it: its path, or the name that its owner gave it. */
  readonly name: string
  /** Throws UserError where there is no such file, or none that may be read. */
  readonly open: () => Promise<OpenFile>
}

export interface OpenFile {
  /** In bytes. */
  readonly size: number
  /**
   * Copies `length` bytes from `position` on into a buffer of their own, fewer only where the file ends. Throws UserError where it
   * cannot be read.
   */
  readonly read: (position: number, length: number) => Promise<Uint8Array<ArrayBuffer>>
  readonly close: () => Promise<void>
}

/**
 * What a file input, a drop or a `fetch` gives a page.
 *
 * @param name by default that of a `File`
 */
export const blobFile = (
  blob: Blob & { readonly name?: string },
  name = blob.name ?? 'the file',
): ByteFile => ({ name, open: async () => openBlob(blob, name) })

/** @param where what errors call it */
export const openBlob = (blob: Blob, where: string): OpenFile => ({
  size: blob.size,
  read: (position, length) => bytesOf(where, blob.slice(position, position + length)),
  close: async () => undefined,
})

/**
 * All bytes of a file.
 *
 * @throws UserError where it has changed or gone since the page was given it
 */
export async function bytesOf(where: string, blob: Blob): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await blob.arrayBuffer())
  } catch (error) {
    throw new UserError(
      `${where} cannot be read (${(error as Error).message}); it may have changed since it was picked, so pick it again`,
      { cause: error },
    )
  }
}

/** In bytes: what is read at once of a file that is read in order. */
const BLOCK = 2 ** 18

/** A file's bytes in order, block by block, as long as some are wanted. */
export async function* blocksOf(file: ByteFile): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const open = await file.open()
  try {
    for (let position = 0; ;) {
      const block = await open.read(position, BLOCK)
      if (block.length === 0) return
      yield block
      position += block.length
    }
  } finally {
    await open.close()
  }
}
