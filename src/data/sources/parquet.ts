/**
 * Parquet sources through hyparquet, one row group in memory at a time.
 * The file's own numbers are checked against its size before anything is allocated by them.
 * @module
 */
import { parquetMetadataAsync, parquetScan, parquetSchema } from 'hyparquet'
import type { AsyncBuffer, Compressors, FileMetaData, RowGroup, SchemaTree } from 'hyparquet'

import { UserError } from '../../errors.ts'
import type { ByteFile, OpenFile } from '../../formats/byte_file.ts'
import { shortenSentence } from '../../quote.ts'
import type { Row, Value } from '../row.ts'
import { checkPages } from './parquet_pages.ts'
import { columnReader, plainElement, utf8 } from './parquet_values.ts'

const MAX_GROUP_ROWS = 5_000_000
const MAX_PAGE_BYTES = 2 ** 28

function asyncBuffer(file: OpenFile): AsyncBuffer {
  const { size: byteLength } = file
  return {
    byteLength,
    async slice(start, end = byteLength) {
      if (!(start >= 0 && start <= end && end <= byteLength)) throw new Error('a range outside of the file')
      const bytes = await file.read(start, end - start)
      if (bytes.length < end - start) throw new Error('the file ends early')
      return bytes.buffer
    },
  }
}

/** The decompressors, refusing pages that claim an absurd size. A page of nothing but nulls may have no bytes to give. */
async function limitedCompressors(): Promise<Compressors> {
  const { compressors } = await import('hyparquet-compressors')
  return Object.fromEntries(
    Object.entries(compressors).map(([codec, decompress]) => [
      codec,
      (input: Uint8Array, outputLength: number) => {
        if (!(outputLength >= 0 && outputLength <= MAX_PAGE_BYTES))
          throw new Error(`a page of ${outputLength} bytes`)
        return outputLength === 0 ? new Uint8Array(0) : decompress(input, outputLength)
      },
    ]),
  )
}

/** Columns marked as text must be UTF-8; hyparquet alone would put U+FFFD for bad bytes. */
const parsers = {
  stringFromBytes: (bytes: Uint8Array) => bytes && utf8.decode(bytes),
  /** Of an INT96, which hyparquet knows by its stored type. */
  timestampFromNanoseconds: (nanoseconds: bigint) => nanoseconds,
}

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

/** What the datasets library says of the columns, by their names; nothing where another program wrote the file. */
function featuresOf({ key_value_metadata: metadata }: FileMetaData): Readonly<Record<string, unknown>> {
  const written = metadata?.find(({ key }) => key === 'huggingface')?.value
  if (written === undefined) return {}
  const { info } = JSON.parse(written) as { info?: { features?: Record<string, unknown> } }
  return info?.features ?? {}
}

async function* readGroups(file: AsyncBuffer): AsyncGenerator<Row> {
  await checkEnds(file)
  // Geometries would be looked for by a count that the file gives, which may be anything.
  const metadata = await parquetMetadataAsync(file, { geoparquet: false })
  const schema = parquetSchema(metadata)
  const names = schema.children.map(({ element }) => element.name)
  const features = featuresOf(metadata)
  const readers = schema.children.map((column) => columnReader(column, features[column.element.name]))
  const seen = new Set<string>()
  const twice = names.find((name) => seen.has(name) || !seen.add(name))
  if (twice !== undefined) throw new Error(`column "${twice}" is named twice`)
  for (const group of metadata.row_groups) checkGroup(group, leafPaths(schema), file.byteLength)

  const compressors = await limitedCompressors()
  const scan = await parquetScan({
    file,
    metadata: { ...metadata, schema: metadata.schema.map(plainElement) },
    parsers,
    utf8: false,
    compressors,
    useOffsetIndex: false,
  })
  const groups = metadata.row_groups.filter(({ num_rows }) => num_rows > 0)
  for (const [i, { rowStart, rowEnd }] of scan.ranges.entries()) {
    await checkPages(file, groups[i]!, { schema: metadata.schema, compressors })
    const rows = rowEnd - rowStart
    const columns: ((row: number) => [string, Value])[] = []
    for (const [i, name] of names.entries()) {
      const values = await scan.readColumn({ column: name, rowStart, rowEnd })
      if (values.length !== rows)
        throw new Error(`column ${name} has ${values.length} values for ${rows} rows`)
      columns.push((row) => [name, readers[i]!(values[row])])
    }
    for (let row = 0; row < rows; row++) {
      yield Object.fromEntries(columns.map((column) => column(row)))
    }
  }
}

const MAGIC = 'PAR1'

/** Throws Error where a file does not begin and end as one in Parquet: it is cut off, or of another kind. */
async function checkEnds(file: AsyncBuffer): Promise<void> {
  const [size, bytes] = [file.byteLength, MAGIC.length]
  const isMark = async (at: number) =>
    String.fromCharCode(...new Uint8Array(await file.slice(at, at + bytes))) === MAGIC
  if (size < 3 * bytes) throw new Error(`it has only ${size} bytes`)
  if (!(await isMark(0))) throw new Error('it does not begin as one does, so it is another kind of file')
  if (!(await isMark(size - bytes))) throw new Error('it does not end as one does, so it is cut off')
}

/** Says what is wrong with a file, without the words of a machine: what those errors are of says nothing of it. */
const reason = (error: unknown): string =>
  error instanceof RangeError || error instanceof TypeError || error instanceof SyntaxError
    ? 'what it says of itself does not hold'
    : shortenSentence((error as Error).message, 200)

/** Yields the file's rows in order. Throws UserError where the file is missing, truncated or not Parquet. */
export async function* readParquet(file: ByteFile): AsyncGenerator<Row> {
  const open = await file.open()
  try {
    const groups = readGroups(asyncBuffer(open))
    for (;;) {
      const next = await groups.next().catch((error: unknown) => {
        if (error instanceof UserError) throw error
        throw new UserError(
          `${file.name} is not a Parquet file that can be read (${reason(error)}); copy or write it again`,
        )
      })
      if (next.done) break
      yield next.value
    }
  } finally {
    await open.close()
  }
}
