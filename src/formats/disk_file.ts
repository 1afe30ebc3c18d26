/**
 * Files of Node's.
 * @module
 */
import { open } from 'node:fs/promises'

import type { ByteFile } from './byte_file.ts'
import { regularFile, unreadable } from './read_file.ts'

/** In bytes: what every system reads in one call. */
const MOST_AT_ONCE = 2 ** 30

/** The file at a path; there may be none, which opening it tells. */
export const fileAt = (path: string): ByteFile => ({
  name: path,
  async open() {
    await regularFile(path)
    const refuse = (error: unknown): never => {
      throw unreadable(path, error)
    }
    const handle = await open(path).catch(refuse)
    return {
      size: (await handle.stat()).size,
      async read(position, length) {
        const bytes = new Uint8Array(length)
        for (let done = 0; done < length;) {
          const { bytesRead } = await handle
            .read(bytes, done, Math.min(length - done, MOST_AT_ONCE), position + done)
            .catch(refuse)
          if (bytesRead === 0) return bytes.slice(0, done)
          done += bytesRead
        }
        return bytes
      },
      close: () => handle.close(),
    }
  },
})
