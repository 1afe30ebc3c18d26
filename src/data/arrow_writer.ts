/**
 * Writes an encoded data set as an Arrow file, record batch by record batch.
 * @module
 */
import type { FileHandle } from 'node:fs/promises'

import { AsyncByteQueue, Int32, List, Field, RecordBatch, RecordBatchFileWriter, Struct, makeData } from 'apache-arrow'
import type { Schema } from 'apache-arrow'

import { writeFileAtomic } from '../formats/atomic.ts'
import { arrowSchema } from './arrow_format.ts'
import type { ArrowFacts } from './arrow_format.ts'
import type { EncodedExample } from './encode.ts'

/** Rows of a record batch; what is held in memory while writing. */
const BATCH_ROWS = 1024

/** A column of lists from its rows: one offset per row and one past the end, and the values end to end. */
function listColumn(rows: readonly Int32Array[]) {
  const valueOffsets = new Int32Array(rows.length + 1)
  rows.forEach((row, i) => (valueOffsets[i + 1] = valueOffsets[i]! + row.length))
  const values = new Int32Array(valueOffsets[rows.length]!)
  rows.forEach((row, i) => values.set(row, valueOffsets[i]))
  const child = makeData({ type: new Int32(), data: values })
  const type = new List(new Field('item', new Int32(), true))
  return makeData({ type, length: rows.length, nullCount: 0, valueOffsets, child })
}

function recordBatch(schema: Schema, rows: readonly EncodedExample[]): RecordBatch {
  const children = [listColumn(rows.map((row) => row.input_ids)), listColumn(rows.map((row) => row.labels))]
  const data = makeData({ type: new Struct(schema.fields), length: rows.length, nullCount: 0, children })
  return new RecordBatch(schema, data)
}

export interface ArrowWriter {
  write(example: EncodedExample): Promise<void>
  /** Writes what is held and the footer. The file is not complete before. */
  finish(): Promise<void>
}

/** Opens a writer into an open, empty file; memory for BATCH_ROWS rows. */
export function createArrowWriter(file: FileHandle, facts: ArrowFacts): ArrowWriter {
  const schema = arrowSchema(facts)
  // The library's writer pushes chunks into a queue; ours keeps them until the file has taken them.
  const chunks: Uint8Array[] = []
  const queue = new AsyncByteQueue()
  queue.write = (chunk) => void chunks.push(chunk as Uint8Array)
  const writer = new RecordBatchFileWriter()
  writer.reset(queue, schema)

  let held: EncodedExample[] = []
  const flush = async (): Promise<void> => {
    if (held.length > 0) writer.write(recordBatch(schema, held))
    held = []
    for (const chunk of chunks.splice(0)) await file.writeFile(chunk)
  }
  return {
    async write(example) {
      held.push(example)
      if (held.length === BATCH_ROWS) await flush()
    },
    async finish() {
      await flush()
      writer.finish()
      await flush()
    },
  }
}

/** Writes all examples to `path`, whole or not at all. */
export async function writeArrowDataset(
  path: string,
  facts: ArrowFacts,
  examples: Iterable<EncodedExample> | AsyncIterable<EncodedExample>,
): Promise<void> {
  await writeFileAtomic(path, async (file) => {
    const writer = createArrowWriter(file, facts)
    for await (const example of examples) await writer.write(example)
    await writer.finish()
  })
}
