/**
 * Writes an encoded data set as the bytes of an Arrow file, record batch by record batch.
 * @module
 */
import { AsyncByteQueue, RecordBatch, RecordBatchFileWriter, Struct, makeData } from 'apache-arrow'
import type { Schema } from 'apache-arrow'

import { arrowSchema, FLOAT_LIST, INT_LIST } from './arrow_format.ts'
import type { ArrowFacts } from './arrow_format.ts'
import type { Layout } from './layouts.ts'
import type { EncodedExample } from '../examples/encode.ts'

/** Rows of a record batch; what is held in memory while writing. */
const BATCH_ROWS = 1024

/** One offset per row and one past the end. */
function offsetsOf(rows: readonly { readonly length: number }[]): Int32Array {
  const offsets = new Int32Array(rows.length + 1)
  rows.forEach((row, i) => (offsets[i + 1] = offsets[i]! + row.length))
  return offsets
}

/** A column of lists from its rows, whose values lie end to end. */
function intColumn(rows: readonly Int32Array[]) {
  const valueOffsets = offsetsOf(rows)
  const data = new Int32Array(valueOffsets[rows.length]!)
  rows.forEach((row, i) => data.set(row, valueOffsets[i]))
  const child = makeData({ type: INT_LIST.valueType, data })
  return makeData({ type: INT_LIST, length: rows.length, nullCount: 0, valueOffsets, child })
}

/** A column of lists of one number each. */
function floatColumn(values: readonly number[]) {
  const valueOffsets = Int32Array.from({ length: values.length + 1 }, (_, i) => i)
  const child = makeData({ type: FLOAT_LIST.valueType, data: Float32Array.from(values) })
  return makeData({ type: FLOAT_LIST, length: values.length, nullCount: 0, valueOffsets, child })
}

function recordBatch(schema: Schema, { figure }: Layout, rows: readonly EncodedExample[]): RecordBatch {
  const children = [
    intColumn(rows.map((row) => row.input_ids)),
    intColumn(rows.map((row) => row.labels)),
    ...(figure ? [floatColumn(rows.map(figure.of))] : []),
  ]
  const data = makeData({ type: new Struct(schema.fields), length: rows.length, nullCount: 0, children })
  return new RecordBatch(schema, data)
}

export interface ArrowWriter {
  write(example: EncodedExample): Promise<void>
  /** Writes what is held and the footer. The bytes are not complete before. */
  finish(): Promise<void>
}

/** What takes bytes, one chunk after the other. */
export type ByteSink = (chunk: Uint8Array) => Promise<void>

/** A writer into something empty; memory for BATCH_ROWS rows. */
export function createArrowWriter(write: ByteSink, facts: ArrowFacts): ArrowWriter {
  const schema = arrowSchema(facts)
  // The library's writer pushes chunks into a queue; ours keeps them until the sink has taken them.
  const chunks: Uint8Array[] = []
  const queue = new AsyncByteQueue()
  queue.write = (chunk) => void chunks.push(chunk as Uint8Array)
  const writer = new RecordBatchFileWriter()
  writer.reset(queue, schema)

  let held: EncodedExample[] = []
  const flush = async (): Promise<void> => {
    if (held.length > 0) writer.write(recordBatch(schema, facts.layout, held))
    held = []
    for (const chunk of chunks.splice(0)) await write(chunk)
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
