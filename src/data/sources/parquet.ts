/**
 * Parquet sources through hyparquet, one row group in memory at a time.
 * The file's own numbers are checked against its size before anything is allocated by them.
 * @module
 */
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'

import { parquetMetadataAsync, parquetScan, parquetSchema } from 'hyparquet'
import type { AsyncBuffer, Compressors, RowGroup, SchemaTree } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'

import { UserError } from '../../errors.ts'
import { unreadable } from '../../formats/read_file.ts'
import type { Row, Value } from '../row.ts'

const MAX_GROUP_ROWS = 5_000_000
const MAX_PAGE_BYTES = 2 ** 28

function asyncBuffer(file: FileHandle, byteLength: number): AsyncBuffer {
  return {
    byteLength,
    async slice(start, end = byteLength) {
      if (!(start >= 0 && start <= end && end <= byteLength)) throw new Error('a range outside of the file')
      const bytes = new Uint8Array(end - start)
      const { bytesRead } = await file.read(bytes, 0, bytes.length, start)
      if (bytesRead < bytes.length) throw new Error('the file ends early')
      return bytes.buffer
    },
  }
}

/** The decompressors, refusing pages that claim an absurd size. */
const limitedCompressors: Compressors = Object.fromEntries(
  Object.entries(compressors).map(([codec, decompress]) => [
    codec,
    (input: Uint8Array, outputLength: number) => {
      if (!(outputLength >= 0 && outputLength <= MAX_PAGE_BYTES))
        throw new Error(`a page of ${outputLength} bytes`)
      return decompress(input, outputLength)
    },
  ]),
)

/** Byte columns are read as text, and must be UTF-8; hyparquet alone would put U+FFFD for bad bytes. */
const decoder = new TextDecoder('utf-8', { fatal: true })
const parsers = { stringFromBytes: (bytes: Uint8Array) => bytes && decoder.decode(bytes) }

/** The leaves of the schema in order, each by the names on its way from the root. */
function leafPaths(node: SchemaTree): string[][] {
  return node.children.length === 0 ? [node.path] : node.children.flatMap(leafPaths)
}

function checkGroup(group: RowGroup, leaves: readonly string[][], fileBytes: number): void {
  const rows = Number(group.num_rows)
  if (!(rows >= 0 && rows <= MAX_GROUP_ROWS)) throw new Error(`a row group of ${rows} rows`)
  const paths = group.columns.map((column) => column.meta_data?.path_in_schema)
  if (JSON.stringify(paths) !== JSON.stringify(leaves))
    throw new Error('a row group of other columns than the schema')
  for (const { meta_data: column } of group.columns) {
    const start = Number(column!.dictionary_page_offset ?? column!.data_page_offset)
    const length = Number(column!.total_compressed_size)
    if (!(start >= 0 && length >= 0 && start + length <= fileBytes))
      throw new Error('a column outside of the file')
  }
}

/** Parquet's types in terms of JSON: 64-bit integers as numbers where exact, else as text; dates as ISO 8601. */
function toValue(value: unknown): Value {
  if (value === null || value === undefined) return null
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString()
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) return Array.from(value)
  if (Array.isArray(value)) return value.map(toValue)
  if (typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, toValue(inner)]))
  }
  return value as Value
}

async function* readGroups(file: AsyncBuffer): AsyncGenerator<Row> {
  const metadata = await parquetMetadataAsync(file)
  const schema = parquetSchema(metadata)
  const names = schema.children.map(({ element }) => element.name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw new Error(`column "${twice}" is named twice`)
  for (const group of metadata.row_groups) checkGroup(group, leafPaths(schema), file.byteLength)

  const scan = await parquetScan({
    file,
    metadata,
    parsers,
    compressors: limitedCompressors,
    useOffsetIndex: false,
  })
  for (const { rowStart, rowEnd } of scan.ranges) {
    const rows = rowEnd - rowStart
    const columns: [string, ArrayLike<unknown>][] = []
    for (const name of names) {
      const values = await scan.readColumn({ column: name, rowStart, rowEnd })
      if (values.length !== rows)
        throw new Error(`column ${name} has ${values.length} values for ${rows} rows`)
      columns.push([name, values])
    }
    for (let row = 0; row < rows; row++) {
      yield Object.fromEntries(columns.map(([name, values]) => [name, toValue(values[row])]))
    }
  }
}

/** Yields the file's rows in order. Throws UserError where the file is missing, truncated or not Parquet. */
export async function* readParquet(path: string): AsyncGenerator<Row> {
  const handle = await open(path).catch((error: unknown) => {
    throw unreadable(path, error)
  })
  try {
    const groups = readGroups(asyncBuffer(handle, (await handle.stat()).size))
    for (;;) {
      const next = await groups.next().catch((error: unknown) => {
        throw new UserError(
          `${path} is not a Parquet file that can be read (${(error as Error).message}); write it again`,
        )
      })
      if (next.done) break
      yield next.value
    }
  } finally {
    await handle.close()
  }
}
