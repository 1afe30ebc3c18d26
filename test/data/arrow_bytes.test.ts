import {
  AsyncByteQueue,
  Field,
  Float32,
  Int32,
  List,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  Schema,
  Struct,
} from 'apache-arrow'
import { expect } from 'chai'
import fc from 'fast-check'

import type { ArrowFacts } from '../../src/data/sets/arrow_format.ts'
import { columnsOf, metadataOf } from '../../src/data/sets/arrow_format.ts'
import { createArrowWriter } from '../../src/data/sets/arrow_writer.ts'
import type { Layout } from '../../src/data/sets/layouts.ts'
import { layouts } from '../../src/data/sets/layouts.ts'
import type { EncodedExample } from '../../src/data/examples/encode.ts'

/** The same file by the Arrow project's own library. */
function librarysFile(facts: ArrowFacts, examples: readonly EncodedExample[]): Buffer {
  const types = {
    int32: new List(new Field('item', new Int32(), true)),
    float32: new List(new Field('item', new Float32(), true)),
  }
  const columns = columnsOf(facts.layout)
  const schema = new Schema(
    columns.map(({ name, item }) => new Field(name, types[item], true)),
    metadataOf(facts),
  )
  const chunks: Uint8Array[] = []
  const queue = new AsyncByteQueue()
  queue.write = (chunk) => void chunks.push(chunk as Uint8Array)
  const writer = new RecordBatchFileWriter()
  writer.reset(queue, schema)
  for (let from = 0; from < examples.length; from += 1024) {
    const rows = examples.slice(from, from + 1024)
    const children = columns.map(({ name, item }) => {
      const lists = rows.map((row) =>
        name === 'input_ids' || name === 'labels' ? [...row[name]] : [facts.layout.figure!.of(row)],
      )
      const valueOffsets = new Int32Array(lists.length + 1)
      lists.forEach((list, i) => (valueOffsets[i + 1] = valueOffsets[i]! + list.length))
      const data = { int32: Int32Array, float32: Float32Array }[item].from(lists.flat())
      const child = makeData({ type: types[item].valueType, data } as never)
      return makeData({ type: types[item], length: lists.length, nullCount: 0, valueOffsets, child } as never)
    })
    const data = makeData({ type: new Struct(schema.fields), length: rows.length, nullCount: 0, children })
    writer.write(new RecordBatch(schema, data as never))
  }
  writer.finish()
  return Buffer.concat(chunks)
}

describe('the bytes of an Arrow file', () => {
  const examplesOf = (layout: Layout, sizes: readonly number[]): EncodedExample[] =>
    sizes.map((size, i) => ({
      input_ids: Int32Array.from({ length: size }, (_, t) => (i + t) % 300),
      labels: Int32Array.from({ length: size }, (_, t) => (t % 2 ? -100 : i)),
      ...(layout.figure && { [layout.figure.name]: layout.figure.name === 'margin' ? i / 8 : i % 2 === 0 }),
    }))

  it('are those of apache-arrow, of every layout (property)', async () => {
    const sizes = fc.oneof(
      fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 12 }),
      fc.integer({ min: 1000, max: 2100 }).map((rows) => Array.from({ length: rows }, (_, i) => 1 + (i % 5))),
    )
    const facts = fc.record({
      fingerprint: fc.string(),
      vocabularySize: fc.nat(),
      maxLength: fc.nat(),
      classes: fc.array(fc.string({ unit: 'grapheme' })),
      layout: fc.constantFrom<Layout>(...Object.values(layouts)),
    })
    await fc.assert(
      fc.asyncProperty(facts, sizes, async (given, lengths) => {
        const examples = examplesOf(given.layout, lengths)
        const chunks: Uint8Array[] = []
        const writer = createArrowWriter(async (chunk) => void chunks.push(chunk), given)
        for (const example of examples) await writer.write(example)
        await writer.finish()
        expect(Buffer.compare(Buffer.concat(chunks), librarysFile(given, examples))).to.equal(0)
      }),
      { numRuns: 60 },
    )
  })
})
