/**
 * Writes what `arrow_metadata.ts` reads: footers and record-batch headers, of columns of lists of numbers.
 * @module
 */
import { Builder } from 'flatbuffers'

import {
  FLOATING_POINT_BITS,
  HEADER_RECORD_BATCH,
  TYPE_FLOATING_POINT,
  TYPE_INT,
  TYPE_LIST,
} from './arrow_metadata.ts'
import type { BatchHeader, Block } from './arrow_metadata.ts'

/** Where something is in what a builder has written. */
type Offset = number

/** Of Arrow 1.0 and later. */
const METADATA_V5 = 4

/** A column of lists. */
export interface ListColumn {
  readonly name: string
  readonly item: 'int32' | 'float32'
}

/** The footer of a file with these columns and record batches. */
export function encodeFooter(
  columns: readonly ListColumn[],
  metadata: ReadonlyMap<string, string>,
  blocks: readonly Block[],
): Uint8Array {
  const to = new Builder()
  const schema = addSchema(to, columns, metadata)
  const batches = addStructs(to, 24, blocks, ({ offset, headerBytes, bodyBytes }) => {
    to.writeInt64(BigInt(bodyBytes))
    to.pad(4)
    to.writeInt32(headerBytes)
    to.writeInt64(BigInt(offset))
  })
  const dictionaries = addStructs(to, 24, [], () => undefined)
  const footer = addObject(to, 5, () => {
    to.addFieldOffset(1, schema, 0)
    to.addFieldInt16(0, METADATA_V5, 0)
    to.addFieldOffset(3, batches, 0)
    to.addFieldOffset(2, dictionaries, 0)
  })
  to.finish(footer)
  return to.asUint8Array()
}

/** The header of a record batch of so many rows, without its length prefix. */
export function encodeBatchHeader(
  rows: number,
  { nodes, buffers }: BatchHeader,
  bodyBytes: number,
): Uint8Array {
  const to = new Builder()
  const pair = (first: number, second: number): void => {
    to.writeInt64(BigInt(second))
    to.writeInt64(BigInt(first))
  }
  const nodesAt = addStructs(to, 16, nodes, ({ length, nulls }) => pair(length, nulls))
  const buffersAt = addStructs(to, 16, buffers, ({ offset, length }) => pair(offset, length))
  const header = addObject(to, 5, () => {
    to.addFieldInt64(0, BigInt(rows), 0n)
    to.addFieldOffset(1, nodesAt, 0)
    to.addFieldOffset(2, buffersAt, 0)
  })
  const message = addObject(to, 5, () => {
    to.addFieldInt16(0, METADATA_V5, 0)
    to.addFieldOffset(2, header, 0)
    to.addFieldInt8(1, HEADER_RECORD_BATCH, 0)
    to.addFieldInt64(3, BigInt(bodyBytes), 0n)
  })
  to.finish(message)
  return to.asUint8Array()
}

function addSchema(
  to: Builder,
  columns: readonly ListColumn[],
  metadata: ReadonlyMap<string, string>,
): Offset {
  const fields = addTables(
    to,
    columns.map(({ name, item }) => {
      const list = addObject(to, 0)
      return addField(to, name, TYPE_LIST, list, [addItem(to, item)])
    }),
  )
  const entries = addTables(
    to,
    [...metadata].map(([name, text]) => {
      const [key, value] = [to.createString(name), to.createString(text)]
      return addObject(to, 2, () => {
        to.addFieldOffset(0, key, 0)
        to.addFieldOffset(1, value, 0)
      })
    }),
  )
  return addObject(to, 4, () => {
    to.addFieldOffset(1, fields, 0)
    to.addFieldOffset(2, entries, 0)
  })
}

function addItem(to: Builder, item: ListColumn['item']): Offset {
  if (item === 'float32') {
    const type = addObject(to, 1, () => to.addFieldInt16(0, FLOATING_POINT_BITS.indexOf(32), 0))
    return addField(to, 'item', TYPE_FLOATING_POINT, type, [])
  }
  const type = addObject(to, 2, () => {
    to.addFieldInt32(0, 32, 0)
    to.addFieldInt8(1, Number(true), 0)
  })
  return addField(to, 'item', TYPE_INT, type, [])
}

/** A field that may hold nulls, as what reads it expects. */
function addField(to: Builder, name: string, type: number, description: Offset, children: Offset[]): Offset {
  const [childrenAt, nameAt] = [addTables(to, children), to.createString(name)]
  return addObject(to, 7, () => {
    to.addFieldOffset(3, description, 0)
    to.addFieldInt8(2, type, 0)
    to.addFieldOffset(5, childrenAt, 0)
    to.addFieldInt8(1, Number(true), 0)
    to.addFieldOffset(0, nameAt, 0)
  })
}

function addObject(to: Builder, fields: number, add: () => void = () => undefined): Offset {
  to.startObject(fields)
  add()
  return to.endObject()
}

/** Vectors are written from their ends. */
function addTables(to: Builder, tables: readonly Offset[]): Offset {
  to.startVector(4, tables.length, 4)
  for (const table of tables.toReversed()) to.addOffset(table)
  return to.endVector()
}

function addStructs<T>(to: Builder, bytes: number, items: readonly T[], add: (item: T) => void): Offset {
  to.startVector(bytes, items.length, 8)
  for (const item of items.toReversed()) {
    to.prep(8, bytes)
    add(item)
  }
  return to.endVector()
}
