/**
 * The pages of a Parquet file by their headers, which say what they unpack to: a few megabytes may become any number.
 * Format: parquet.apache.org/docs/file-format/data-pages
 * @module
 */
import type { AsyncBuffer, PageHeader, RowGroup } from 'hyparquet'
import { parquetHeader } from 'hyparquet/src/column.js'

/** Most that a row group may take in memory. */
const MOST_BYTES = 800e6

/** About what a value takes beside its own bytes: a view of them where they stand by themselves, else a number. */
const [BYTES_PER_VIEW, BYTES_PER_NUMBER] = [100, 16]

/** Reads the headers of all pages of a row group. Throws Error where they contradict themselves, or promise too much. */
export async function checkPages(file: AsyncBuffer, { columns }: RowGroup): Promise<void> {
  let bytes = 0
  for (const { meta_data: column } of columns) {
    const start = Number(column!.dictionary_page_offset || column!.data_page_offset)
    const chunk = new DataView(await file.slice(start, start + Number(column!.total_compressed_size)))
    const reader = { view: chunk, offset: 0 }
    // As hyparquet has it, a byte may be left over.
    while (reader.offset < chunk.byteLength - 1) {
      const header = parquetHeader(reader)
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
      bytes += unpacked + values * (alone ? BYTES_PER_VIEW : BYTES_PER_NUMBER)
      if (bytes > MOST_BYTES)
        throw new Error(
          `a row group that unpacks to more than ${MOST_BYTES / 1e6} MB; give it fewer rows, as by row_group_size=10000`,
        )
    }
  }
}

function valuesOf({ data_page_header, data_page_header_v2: v2, dictionary_page_header }: PageHeader): number {
  if (v2 && !(v2.num_nulls >= 0 && v2.num_nulls <= v2.num_values && v2.num_rows <= v2.num_values)) return -1
  return (data_page_header ?? v2 ?? dictionary_page_header)?.num_values ?? 0
}

/** Whether values are numbers of entries in a dictionary. */
const isIndexed = ({ data_page_header, data_page_header_v2 }: PageHeader): boolean =>
  (data_page_header ?? data_page_header_v2)?.encoding?.endsWith('DICTIONARY') ?? false
