/**
 * The metadata of an Arrow IPC file, as far as our data sets need it: footer, schema and record-batch headers.
 * Field numbers are those of File.fbs, Schema.fbs and Message.fbs in the Arrow project's format/ folder.
 * @module
 */
import {
  numberField,
  readNumber,
  rootTable,
  stringField,
  tableField,
  tablesField,
  vectorField,
} from './flatbuffer.ts'
import type { FlatTable } from './flatbuffer.ts'

/** Where a record batch is in the file: its header, and after it its body. */
export interface Block {
  readonly offset: number
  readonly headerBytes: number
  readonly bodyBytes: number
}

export interface Footer {
  /** Each column as `name: type`, where list<int32> and list<float32> are told apart. */
  readonly columns: readonly string[]
  readonly metadata: ReadonlyMap<string, string>
  readonly blocks: readonly Block[]
}

/** Buffers are relative to the body. */
export interface BatchHeader {
  readonly nodes: readonly { readonly length: number; readonly nulls: number }[]
  readonly buffers: readonly { readonly offset: number; readonly length: number }[]
}

export const TYPE_INT = 2
export const TYPE_FLOATING_POINT = 3
export const TYPE_LIST = 12
const NUMBER_TYPES = [TYPE_INT, TYPE_FLOATING_POINT]
export const FLOATING_POINT_BITS = [16, 32, 64]
export const HEADER_RECORD_BATCH = 3
const MAX_COLUMNS = 1000
const MAX_METADATA_ENTRIES = 1000

function typeOf(field: FlatTable): string {
  const type = numberField(field, 2, 'Uint8')
  const description = tableField(field, 3)
  const children = tablesField(field, 5)
  const isPlain = tableField(field, 4) === undefined // no dictionary encoding
  if (isPlain && type === TYPE_INT && description && children.length === 0) {
    const signed = numberField(description, 1, 'Uint8') !== 0
    return `${signed ? 'int' : 'uint'}${numberField(description, 0, 'Int32')}`
  }
  if (isPlain && type === TYPE_FLOATING_POINT && description && children.length === 0) {
    return `float${FLOATING_POINT_BITS[numberField(description, 0, 'Int16')]}`
  }
  const [item] = children
  const isList = type === TYPE_LIST && item !== undefined && children.length === 1
  if (isPlain && isList && NUMBER_TYPES.includes(numberField(item, 2, 'Uint8'))) {
    return `list<${typeOf(item)}>`
  }
  return `type ${type}`
}

/** Reads a footer. Throws Error where it is damaged, or of features that our data sets do not use. */
export function parseFooter(bytes: Uint8Array): Footer {
  const footer = rootTable(bytes)
  const schema = tableField(footer, 1)
  if (!schema) throw new Error('no schema')
  if (numberField(schema, 0, 'Int16') !== 0) throw new Error('big-endian numbers')
  const fields = tablesField(schema, 1)
  const entries = tablesField(schema, 2)
  if (fields.length > MAX_COLUMNS || entries.length > MAX_METADATA_ENTRIES)
    throw new Error('an oversized schema')
  const blocks = vectorField(footer, 3, 24)
  return {
    columns: fields.map((field) => `${stringField(field, 0)}: ${typeOf(field)}`),
    metadata: new Map(entries.map((entry) => [stringField(entry, 0), stringField(entry, 1)])),
    blocks: Array.from({ length: blocks.length }, (_, i) => {
      const at = blocks.position + 24 * i
      return {
        offset: readNumber(footer.view, at, 'Int64'),
        headerBytes: readNumber(footer.view, at + 8, 'Int32'),
        bodyBytes: readNumber(footer.view, at + 16, 'Int64'),
      }
    }),
  }
}

/** Reads a record batch's header, after its length prefix. Throws Error as `parseFooter` does. */
export function parseBatchHeader(bytes: Uint8Array): BatchHeader {
  const message = rootTable(bytes)
  const header = tableField(message, 2)
  if (!header || numberField(message, 1, 'Uint8') !== HEADER_RECORD_BATCH)
    throw new Error('a block of no record batch')
  if (tableField(header, 3)) throw new Error('compressed buffers')
  const pairs = (field: number): [number, number][] => {
    const { length, position } = vectorField(header, field, 16)
    return Array.from({ length }, (_, i) => [
      readNumber(header.view, position + 16 * i, 'Int64'),
      readNumber(header.view, position + 16 * i + 8, 'Int64'),
    ])
  }
  return {
    nodes: pairs(1).map(([length, nulls]) => ({ length, nulls })),
    buffers: pairs(2).map(([offset, length]) => ({ offset, length })),
  }
}
