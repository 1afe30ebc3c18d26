/**
 * Writes an encoded data set as the bytes of an Arrow file, record batch by record batch: byte for byte as the Arrow project's own
 * library does, which is too large for a page.
 * @module
 */
import type { EncodedExample } from '../examples/encode.ts'
import { columnsOf, MAGIC, metadataOf } from './arrow_format.ts'
import type { ArrowFacts } from './arrow_format.ts'
import type { BatchHeader, Block } from './arrow_metadata.ts'
import type { Layout } from './layouts.ts'
import { encodeBatchHeader, encodeFooter } from './write_arrow_metadata.ts'

/** Rows of a record batch; what is held in memory while writing. */
const BATCH_ROWS = 1024

export interface ArrowWriter {
  write(example: EncodedExample): Promise<void>
  /** Writes what is held and the footer. The bytes are not complete before. */
  finish(): Promise<void>
}

/** What takes bytes, one chunk after the other. */
export type ByteSink = (chunk: Uint8Array) => Promise<void>

/** A writer into something empty; memory for BATCH_ROWS rows. */
export function createArrowWriter(sink: ByteSink, facts: ArrowFacts): ArrowWriter {
  const { layout } = facts
  const blocks: Block[] = []
  let position = 0
  let held: EncodedExample[] = []

  async function write(chunk: Uint8Array): Promise<void> {
    position += chunk.length
    if (chunk.length > 0) await sink(chunk)
  }
  const start = (): Promise<void> => write(new TextEncoder().encode(`${MAGIC}\0\0`))

  /** A continuation mark, the header's length, the header, and the body, each filled up to 8 bytes. */
  async function writeBatch(rows: readonly EncodedExample[]): Promise<void> {
    if (position === 0) await start()
    const columns = columnsOfRows(layout, rows)
    const { nodes, buffers, bodyBytes } = placesOf(columns)
    const header = encodeBatchHeader(rows.length, { nodes, buffers }, bodyBytes)
    const headerBytes = aligned(8 + header.length)
    blocks.push({ offset: position, headerBytes, bodyBytes })
    await write(bytesOf(Int32Array.of(-1, headerBytes - 8)))
    await write(filled(header))
    for (const { offsets, values } of columns)
      for (const part of [offsets, values]) await write(filled(bytesOf(part)))
  }

  async function flush(): Promise<void> {
    const rows = held
    held = []
    if (rows.length > 0) await writeBatch(rows)
  }

  return {
    async write(example) {
      held.push(example)
      if (held.length === BATCH_ROWS) await flush()
    },
    async finish() {
      await flush()
      if (position === 0) await start()
      const footer = encodeFooter(columnsOf(layout), metadataOf(facts), blocks)
      // No more record batches.
      await write(bytesOf(Int32Array.of(-1, 0)))
      await write(footer)
      await write(bytesOf(Int32Array.of(footer.length)))
      await write(new TextEncoder().encode(MAGIC))
    },
  }
}

/** A column of lists: its rows' values end to end, and where each begins, with one past the end. */
interface Lists {
  readonly offsets: Int32Array
  readonly values: Int32Array | Float32Array
}

const columnsOfRows = ({ figure }: Layout, rows: readonly EncodedExample[]): Lists[] => [
  listsOf(rows.map((row) => row.input_ids)),
  listsOf(rows.map((row) => row.labels)),
  ...(figure
    ? [
        {
          offsets: Int32Array.from({ length: rows.length + 1 }, (_, i) => i),
          values: Float32Array.from(rows, figure.of),
        },
      ]
    : []),
]

function listsOf(rows: readonly Int32Array[]): Lists {
  const offsets = new Int32Array(rows.length + 1)
  rows.forEach((row, i) => (offsets[i + 1] = offsets[i]! + row.length))
  const values = new Int32Array(offsets[rows.length]!)
  rows.forEach((row, i) => values.set(row, offsets[i]))
  return { offsets, values }
}

/** Of each column the lists and their values, of which none is null: an empty buffer says which are, then come offsets or values. */
function placesOf(columns: readonly Lists[]): BatchHeader & { readonly bodyBytes: number } {
  const [nodes, buffers]: [{ length: number; nulls: number }[], { offset: number; length: number }[]] = [
    [],
    [],
  ]
  let bodyBytes = 0
  const place = (byteLength: number): void => {
    const length = aligned(byteLength)
    buffers.push({ offset: bodyBytes, length })
    bodyBytes += length
  }
  for (const { offsets, values } of columns)
    for (const [part, length] of [[offsets, offsets.length - 1] as const, [values, values.length] as const]) {
      place(0)
      place(part.byteLength)
      nodes.push({ length, nulls: 0 })
    }
  return { nodes, buffers, bodyBytes }
}

/** The next multiple of 8. */
const aligned = (bytes: number): number => Math.ceil(bytes / 8) * 8

const bytesOf = ({ buffer, byteOffset, byteLength }: Int32Array | Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)

function filled(bytes: Uint8Array): Uint8Array {
  if (bytes.length % 8 === 0) return bytes
  const padded = new Uint8Array(aligned(bytes.length))
  padded.set(bytes)
  return padded
}
