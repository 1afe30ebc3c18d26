/**
 * Rows of a file, whatever its format: CSV, TSV, JSON Lines, JSON or Parquet; and wherever it lies. Streams; never holds the file.
 * @module
 */
import { UserError } from '../../errors.ts'
import type { ByteFile } from '../../formats/byte_file.ts'
import { readDelimited } from './csv.ts'
import { DamagedRow, stop } from './damaged_row.ts'
import type { Leave } from './damaged_row.ts'
import { closesQuotes, csvDelimiter, isQuotedTsv } from './csv_dialect.ts'
import type { OddRows } from '../examples/odd_rows.ts'
import { listColumns } from '../row.ts'
import type { Row } from '../row.ts'

export const SOURCE_FORMATS = ['csv', 'tsv', 'jsonl', 'json', 'parquet'] as const
export type SourceFormat = (typeof SOURCE_FORMATS)[number]

export interface ReadOptions {
  /** By default what the file's extension says. */
  readonly format?: SourceFormat
  /**
   * CSV: the one character between fields; by default a comma, or what the heading has in place of one. A `.txt` file with a
   * delimiter is CSV.
   */
  readonly delimiter?: string
  /** CSV and TSV: the column names, where the file has no heading line. */
  readonly columns?: readonly string[]
  /** CSV and TSV: whether double quotes enclose fields. By default true for CSV; for TSV where the file reads so. */
  readonly quoting?: boolean
  /** Columns that every row must have. */
  readonly required?: readonly string[]
}

const FORMAT_OF_EXTENSION: Readonly<Record<string, SourceFormat>> = {
  '.csv': 'csv',
  '.tsv': 'tsv',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.json': 'json',
  '.parquet': 'parquet',
}

const extensionOf = (path: string): string => /[^/\\](\.[^./\\]*)$/.exec(path)?.[1]?.toLowerCase() ?? ''

/** The format of a source. Throws UserError where the extension does not tell. */
export function formatOf(path: string, options: ReadOptions = {}): SourceFormat {
  const extension = extensionOf(path)
  const known = options.format ?? FORMAT_OF_EXTENSION[extension]
  if (known) return known
  if (options.delimiter !== undefined) return 'csv'
  throw new UserError(
    `${path}: the extension "${extension}" does not tell the format; give a format (${SOURCE_FORMATS.join(', ')}) or, for text with fields, a delimiter`,
  )
}

function checkOptions(path: string, format: SourceFormat, options: ReadOptions): void {
  const { delimiter, columns, quoting } = options
  const unused =
    (delimiter !== undefined && format !== 'csv' && 'delimiter') ||
    (quoting !== undefined && format !== 'csv' && format !== 'tsv' && 'quoting') ||
    (columns !== undefined && format !== 'csv' && format !== 'tsv' && 'columns')
  if (unused) throw new UserError(`${path}: "${unused}" has no meaning for a ${format} source; leave it out`)
  if (delimiter !== undefined && !/^[^"\r\n]$/.test(delimiter)) {
    throw new UserError(`${path}: delimiter ${JSON.stringify(delimiter)} must be one character and no quote`)
  }
}

async function* openDelimited(
  file: ByteFile,
  format: 'csv' | 'tsv',
  options: ReadOptions,
  leave: Leave,
): AsyncGenerator<Row> {
  const { delimiter, columns, quoting } = options
  const named = columns && { columns }
  if (format === 'tsv') {
    const quoted = quoting ?? (await isQuotedTsv(file))
    const literalQuotes = quoted && (quoting === undefined || (await closesQuotes(file, '\t')))
    yield* readDelimited(file, { delimiter: '\t', quoting: quoted, literalQuotes, ...named }, leave)
    return
  }
  const found = await csvDelimiter(file, columns === undefined)
  const dialect = { ...found, ...(delimiter && { delimiter }), quoting: quoting ?? true, ...named }
  const literalQuotes = dialect.quoting && (await closesQuotes(file, dialect.delimiter))
  yield* readDelimited(file, { ...dialect, literalQuotes }, leave)
}

function openRows(
  file: ByteFile,
  format: SourceFormat,
  options: ReadOptions,
  leave: Leave,
): AsyncGenerator<Row> {
  switch (format) {
    case 'csv':
    case 'tsv':
      return openDelimited(file, format, options, leave)
    case 'jsonl':
      return openJsonl(file, leave)
    case 'json':
      return openJsonArray(file, leave)
    case 'parquet':
      return openParquet(file)
  }
}

// A page reads CSV as a rule, and does without these until they are wanted.

async function* openJsonl(file: ByteFile, leave: Leave): AsyncGenerator<Row> {
  const { readJsonl } = await import('./jsonl.ts')
  yield* readJsonl(file, leave)
}

async function* openJsonArray(file: ByteFile, leave: Leave): AsyncGenerator<Row> {
  const { readJsonArray } = await import('./json_array.ts')
  yield* readJsonArray(file, leave)
}

async function* openParquet(file: ByteFile): AsyncGenerator<Row> {
  const { readParquet } = await import('./parquet.ts')
  yield* readParquet(file)
}

/**
 * Reads a file row by row; what it is of, its name or the options say.
 *
 * @param leave learns of each damaged row, which is left out then
 * @throws UserError, naming file and line (or row), where the file is missing, empty, not UTF-8 or malformed, or lacks a
 *   required column.
 */
export async function* readRowsOf(
  file: ByteFile,
  options: ReadOptions = {},
  leave: Leave = stop,
): AsyncGenerator<Row> {
  const { name: path } = file
  const format = formatOf(path, options)
  checkOptions(path, format, options)
  let number = 0
  for await (const row of openRows(file, format, options, leave)) {
    number++
    const missing = options.required?.find((name) => !Object.hasOwn(row, name))
    if (missing !== undefined) {
      throw new UserError(
        `${path}, row ${number}: there is no column "${missing}"; there are ${listColumns(row)}`,
      )
    }
    yield row
  }
}

/** The same by what is to be done with rows that are odd; where they are an error, it says that they could be left out. */
export async function* readTolerantRows(
  file: ByteFile,
  options: ReadOptions | undefined,
  oddRows: OddRows,
  leave: Leave = () => undefined,
): AsyncGenerator<Row> {
  try {
    yield* readRowsOf(file, options, oddRows === 'skip' ? leave : stop)
  } catch (error) {
    if (!(error instanceof DamagedRow)) throw error
    throw new UserError(`${error.message}, or leave such rows out by odd_rows=skip`)
  }
}
