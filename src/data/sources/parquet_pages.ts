/**
 * The pages of a Parquet file by their headers, which say what they unpack to: a few megabytes may become any number.
 * Format: parquet.apache.org/docs/file-format/data-pages
 * @module
 */
import type { AsyncBuffer, ColumnMetaData, Compressors, PageHeader, RowGroup, SchemaElement } from 'hyparquet'
import { parquetHeader } from 'hyparquet/src/column.js'
import { decompressPage } from 'hyparquet/src/datapage.js'
import { getSchemaPath } from 'hyparquet/src/schema.js'

import { checkRuns } from './parquet_runs.ts'

/** Most that a row group may take in memory. */
const MOST_BYTES = 800e6

/** About what a value takes beside its own bytes: a view of them where they stand by themselves, else a number. */
const [BYTES_PER_VIEW, BYTES_PER_NUMBER] = [100, 16]

/** How values are kept in a file. */
export interface Storage {
  readonly schema: SchemaElement[]
  readonly compressors: Compressors
}

/** Looks through all pages of a row group. Throws Error where they contradict themselves, or promise too much. */
export async function checkPages(
  file: AsyncBuffer,
  { columns }: RowGroup,
  { schema, compressors }: Storage,
): Promise<void> {
  let bytes = 0
  const take = (more: number): void => {
    if ((bytes += more) > MOST_BYTES)
      throw new Error(
        `a row group that unpacks to more than ${MOST_BYTES / 1e6} MB; give it fewer rows, as by row_group_size=10000`,
      )
  }
  for (const { meta_data: column } of columns) {
    const start = Number(column!.dictionary_page_offset || column!.data_page_offset)
    const chunk = new DataView(await file.slice(start, start + Number(column!.total_compressed_size)))
    const reader = { view: chunk, offset: 0 }
    // As hyparquet has it, a byte may be left over.
    while (reader.offset < chunk.byteLength - 1) {
      const header = parquetHeader(reader)
      const from = reader.offset
      reader.offset += header.compressed_page_size
      const [values, unpacked] = [valuesOf(header), header.uncompressed_page_size]
      if (!(
        header.compressed_page_size >= 0 &&
        reader.offset <= chunk.byteLength &&
        unpacked >= 0 &&
        values >= 0
      ))
        throw new Error('a page outside of its column')
      const alone = column!.type.endsWith('BYTE_ARRAY') && !isIndexed(header)
      take(unpacked + values * (alone ? BYTES_PER_VIEW : BYTES_PER_NUMBER))
      const page = new Uint8Array(chunk.buffer, from, header.compressed_page_size)
      take(repeatedBytes(page, header, column!, { schema, compressors }))
    }
  }
}

/** Bytes of a page's values beyond those that it unpacks to. */
function repeatedBytes(
  page: Uint8Array,
  header: PageHeader,
  { codec, path_in_schema }: ColumnMetaData,
  { schema, compressors }: Storage,
): number {
  const { data_page_header, data_page_header_v2: v2 } = header
  if (!data_page_header && !v2) return 0
  const levels = v2 ? v2.repetition_levels_byte_length + v2.definition_levels_byte_length : 0
  const packed = page.subarray(levels)
  const unpacked = header.uncompressed_page_size - levels
  return checkRuns({
    header,
    levels: page.subarray(0, levels),
    values: v2?.is_compressed === false ? packed : decompressPage(packed, unpacked, codec, compressors),
    schemaPath: getSchemaPath(schema, path_in_schema),
  })
}

function valuesOf({ data_page_header, data_page_header_v2: v2, dictionary_page_header }: PageHeader): number {
  if (v2 && !(v2.num_nulls >= 0 && v2.num_nulls <= v2.num_values && v2.num_rows <= v2.num_values)) return -1
  return (data_page_header ?? v2 ?? dictionary_page_header)?.num_values ?? 0
}

/** Whether values are numbers of entries in a dictionary. */
const isIndexed = ({ data_page_header, data_page_header_v2 }: PageHeader): boolean =>
  (data_page_header ?? data_page_header_v2)?.encoding?.endsWith('DICTIONARY') ?? false
