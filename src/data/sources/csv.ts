/**
 * CSV and TSV sources as rows. CSV follows RFC 4180, but that a quote within an unquoted field is text, as Python's csv has it;
 * `csv_dialect.ts` tells what a file does not.
 * @module
 */
import { UserError } from '../../errors.ts'
import type { ByteFile } from '../../formats/byte_file.ts'
import { CsvError, csvRecords, MAX_RECORD_CHARACTERS } from './csv_records.ts'
import type { CsvFault, RecordOptions } from './csv_records.ts'
import { DamagedRow, stop } from './damaged_row.ts'
import type { Leave } from './damaged_row.ts'
import { listNames, quote } from '../../quote.ts'
import type { Row } from '../row.ts'
import { readTextBlocks } from './text_lines.ts'

export interface DelimitedOptions extends RecordOptions {
  /** Whether the first line names the delimiter and is no row. */
  readonly skipFirst?: boolean
  /** Column names, where the file has no heading line; otherwise its first line names them. */
  readonly columns?: readonly string[]
}

export async function* texts(file: ByteFile): AsyncGenerator<string> {
  for await (const { text } of readTextBlocks(file)) yield text
}

const REASONS: Readonly<Record<CsvFault, string>> = {
  open: 'a double quote opens a field and is never closed; close it, or turn quoting off',
  inside:
    'a double quote stands inside a quoted field; write it twice, as a backslash before it does not count, or turn quoting off where quotes are text',
  long: `the row is longer than ${MAX_RECORD_CHARACTERS} characters, often a quote that is never closed`,
}

/** What a row of other fields than its columns is, and what may have gone wrong. */
function ragged(fields: number, names: readonly string[], quoting: boolean): string {
  const remedy = quoting
    ? 'quote a field that holds the delimiter'
    : 'replace the delimiter within a field, or give quoting: true where double quotes enclose fields'
  const counted = fields === 1 ? '1 field' : `${fields} fields`
  const named = names.length === 1 ? '1 column is' : `${names.length} columns are`
  return `the row has ${counted} where ${named} named (${listNames(names)}); ${remedy}`
}

function checkNames(names: readonly string[], where: string): void {
  // Spreadsheets leave empty columns without a name.
  const seen = new Set<string>()
  const twice = names.find((name) => name !== '' && (seen.has(name) || !seen.add(name)))
  if (twice !== undefined)
    throw new UserError(`${where}: column ${quote(twice)} is named twice; rename one of them`)
}

/**
 * Yields one row of strings for each record, but for those of other fields that are left out; where a quote is wrong, the next
 * record cannot be told. Blank lines are skipped. Throws UserError with the line number.
 */
export async function* readDelimited(
  file: ByteFile,
  options: DelimitedOptions,
  leave: Leave = stop,
): AsyncGenerator<Row> {
  const { name: path } = file
  let names = options.columns
  if (names) checkNames(names, 'the given columns')
  let skip = options.skipFirst ?? false
  try {
    for await (const { fields, line } of csvRecords(texts(file), options)) {
      const where = `${path}, line ${line}`
      if (skip) skip = false
      else if (names === undefined) {
        checkNames(fields, where)
        names = fields
      } else if (fields.length !== names.length)
        leave(new DamagedRow(`${where}: ${ragged(fields.length, names, options.quoting)}`))
      else yield Object.fromEntries(names.map((name, i) => [name, fields[i]!]))
    }
  } catch (error) {
    if (error instanceof CsvError) throw new UserError(`${path}, line ${error.line}: ${REASONS[error.fault]}`)
    throw error
  }
  if (names === undefined) throw new UserError(`${path} is empty; it needs a heading line and rows`)
}
