/**
 * Encoded data sets in files.
 * @module
 */
import { closeSync, openSync, readSync, statSync } from 'node:fs'

import { UserError } from '../../errors.ts'
import { writeFileAtomic } from '../../formats/atomic.ts'
import { checkRegular, unreadable } from '../../formats/read_file.ts'
import type { EncodedExample } from '../examples/encode.ts'
import type { ArrowFacts } from './arrow_format.ts'
import type { ByteSource } from './arrow_reader.ts'
import { readArrowDataset } from './arrow_reader.ts'
import { createArrowWriter } from './arrow_writer.ts'
import type { DataSet } from './data_set.ts'

/**
 * Opens a data set that `prepare` wrote; rows are read straight from the file. Close it when done.
 *
 * @throws UserError where the file is missing, truncated, of another kind, or contradicts itself
 */
export const openArrowDataset = (path: string): DataSet => readArrowDataset(openBytes(path))

function openBytes(path: string): ByteSource {
  try {
    const { size } = checkRegular(path, statSync(path))
    const fd = openSync(path, 'r')
    return {
      name: path,
      size,
      readAt: (position, length) => readExactly(fd, position, length),
      close: () => closeSync(fd),
    }
  } catch (error) {
    throw error instanceof UserError ? error : unreadable(path, error)
  }
}

function readExactly(fd: number, position: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  let done = 0
  while (done < length) {
    const read = readSync(fd, bytes, done, length - done, position + done)
    if (read === 0) throw new Error('it ends early')
    done += read
  }
  return bytes
}

/** Writes all examples to `path`, whole or not at all. */
export async function writeArrowDataset(
  path: string,
  facts: ArrowFacts,
  examples: Iterable<EncodedExample> | AsyncIterable<EncodedExample>,
): Promise<void> {
  await writeFileAtomic(path, async (file) => {
    const writer = createArrowWriter((chunk) => file.writeFile(chunk), facts)
    for await (const example of examples) await writer.write(example)
    await writer.finish()
  })
}
