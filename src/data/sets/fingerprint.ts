/**
 * The fingerprint of an encoded data set: SHA-256 over everything its rows depend on. Two data sets with the same
 * fingerprint hold the same rows in the same order.
 * @module
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'

import { regularFile, unreadable } from '../../formats/read_file.ts'

async function hashFile(path: string): Promise<string> {
  await regularFile(path)
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk)
  } catch (error) {
    throw unreadable(path, error)
  }
  return hash.digest('hex')
}

/** Hashes the files' bytes (not their paths) and the options, both in the order given. Hexadecimal. */
export async function fingerprint(files: readonly string[], options: unknown): Promise<string> {
  const hashes: string[] = []
  for (const file of files) hashes.push(await hashFile(file))
  return createHash('sha256')
    .update(JSON.stringify([hashes, options]))
    .digest('hex')
}
