/**
 * The records of a log, and those that come: it grows while its run goes on, and where that is resumed it is shortened, or begun anew.
 * @module
 */
import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { open, stat } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'

import { regularFile, unreadable } from '../formats/read_file.ts'
import type { LogRecord } from '../learning/listeners.ts'
import { LONGEST_LINE, recordOf } from '../runs/log.ts'

/** What is told, in this order: records; that these were all for now; that none of what was told counts any more. */
export type LogNews =
  | { readonly kind: 'records'; readonly records: readonly LogRecord[]; readonly at: string }
  | { readonly kind: 'live' | 'reset' }

/** Up to where a log was told, with a digest of what lies before: another log, or one that was shortened, has another. */
interface Place {
  readonly offset: number
  readonly digest: string
}

const BEGINNING: Place = { offset: 0, digest: '' }

/** Bytes that the digest is of, and that are read at a time. */
const MARK = 1024
const CHUNK = 2 ** 18

/** Milliseconds between two looks. */
const PATIENCE = 250

/**
 * Follows a log until the signal comes.
 *
 * @param path of a `log.jsonl`, which may not be there yet
 * @param after the place that records were told up to earlier, as `at` said; others are told from the beginning, after a reset
 * @throws UserError where there is something else than a file, or one that may not be read
 */
export async function* followLog(
  path: string,
  { after, signal, patience = PATIENCE }: { after?: string; signal: AbortSignal; patience?: number },
): AsyncGenerator<LogNews> {
  let place = after === undefined ? BEGINNING : placeOf(after)
  let seen = ''
  let live = false
  while (!signal.aborted) {
    const now = await versionOf(path)
    if (now !== seen) {
      const file = now === '' ? undefined : await openLog(path)
      try {
        if (place.offset > 0 && (!file || (await digestAt(file, place.offset)) !== place.digest)) {
          yield { kind: 'reset' }
          place = BEGINNING
          live = false
        }
        while (file && !signal.aborted) {
          const { records, end } = await readLines(file, place.offset)
          if (end === place.offset) break
          place = { offset: end, digest: await digestAt(file, end) }
          if (records.length > 0) yield { kind: 'records', records, at: `${place.offset}-${place.digest}` }
        }
      } finally {
        await file?.close()
      }
      seen = now
    }
    if (!live) yield { kind: 'live' }
    live = true
    await setTimeout(patience, undefined, { signal, ref: false }).catch(() => undefined)
  }
}

/** What is no place is one that no log has. */
function placeOf(text: string): Place {
  const [, offset, digest] = /^(\d{1,15})-([0-9a-f]{12})$/.exec(text) ?? []
  return offset === undefined ? { offset: 1, digest: '' } : { offset: Number(offset), digest: digest! }
}

/** Another one after each change; empty where there is no file. */
async function versionOf(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined)
  return found === undefined ? '' : [found.ino, found.size, found.mtimeMs].join()
}

async function openLog(path: string): Promise<FileHandle | undefined> {
  await regularFile(path)
  return open(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw unreadable(path, error)
  })
}

async function digestAt(file: FileHandle, offset: number): Promise<string> {
  const from = Math.max(0, offset - MARK)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(offset - from), 0, offset - from, from)
  const hash = createHash('sha256').update(buffer.subarray(0, bytesRead))
  return hash.digest('hex').slice(0, 12)
}

/** The whole lines of the next bytes. One that is just being written is left, one that is longer than any of ours is passed over. */
async function readLines(file: FileHandle, from: number): Promise<{ records: LogRecord[]; end: number }> {
  for (let size = CHUNK; ; size *= 2) {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, from)
    const end = buffer.subarray(0, bytesRead).lastIndexOf('\n') + 1
    if (end > 0) {
      const lines = buffer.toString('utf8', 0, end - 1).split('\n')
      return { records: lines.flatMap((line) => recordOf(line) ?? []), end: from + end }
    }
    if (bytesRead < size) return { records: [], end: from }
    if (size > LONGEST_LINE) return { records: [], end: from + size }
  }
}
