/**
 * The fingerprint of an encoded data set: SHA-256 over everything its rows depend on. Two data sets with the same
 * fingerprint hold the same rows in the same order.
 * @module
 */
import { sha256 } from '@noble/hashes/sha2.js'

import { blocksOf } from '../../formats/byte_file.ts'
import type { ByteFile } from '../../formats/byte_file.ts'
import { hexOf } from '../../formats/bytes.ts'

async function hashFile(file: ByteFile): Promise<string> {
  const hash = sha256.create()
  for await (const block of blocksOf(file)) hash.update(block)
  return hexOf(hash.digest())
}

/** Hashes the files' bytes (not their names) and the options, both in the order given. Hexadecimal. */
export async function fingerprint(files: readonly ByteFile[], options: unknown): Promise<string> {
  const hashes: string[] = []
  for (const file of files) hashes.push(await hashFile(file))
  return hexOf(sha256(new TextEncoder().encode(JSON.stringify([hashes, options]))))
}
