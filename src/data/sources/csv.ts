/**
 * CSV and TSV sources, streamed through csv-parse. CSV follows RFC 4180, but that a quote within an unquoted field is text, as
 * Python's csv has it; `csv_dialect.ts` tells what a file does not.
 * @module
 */
import { pipeline } from 'node:stream'

import { CsvError, parse } from 'csv-parse'

import { UserError } from '../../errors.ts'
import { DamagedRow, stop } from './damaged_row.ts'
import type { Leave } from './damaged_row.ts'
import { listNames, quote } from '../../quote.ts'
import type { Row } from '../row.ts'
import { readTextBlocks } from './text_lines.ts'

export interface DelimitedOptions {
  /** One character between fields. */
  readonly delimiter: string
  /** Whether double quotes enclose fields. */
  readonly quoting: boolean
  /** Whether a quote within an unquoted field is text. One after a closing quote is then, too, so that is to be ruled out. */
  readonly literalQuotes?: boolean
  /** Whether the first line names the delimiter and is no row. */
  readonly skipFirst?: boolean
  /** Column names, where the file has no heading line; otherwise its first line names them. */
  readonly columns?: readonly string[]
}

/** The ends of lines; with two carriage returns where a program translates them once more. */
const LINE_ENDS = ['\r\r\n', '\r\n', '\n']

export const MAX_RECORD_CHARACTERS = 1_000_000

/** What the csv-parse option `info` yields for each record. */
interface Parsed {
  readonly record: readonly string[]
  readonly info: { readonly lines: number }
}

export async function* texts(path: string): AsyncGenerator<string> {
  for await (const { text } of readTextBlocks(path)) yield text
}

function explain(error: CsvError, where: string): UserError {
  switch (error.code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return new UserError(
        `${where}: a double quote opens a field and is never closed; close it, or turn quoting off`,
      )
    case 'CSV_MAX_RECORD_SIZE':
      return new UserError(
        `${where}: the row is longer than ${MAX_RECORD_CHARACTERS} characters, often a quote that is never closed`,
      )
    case 'INVALID_OPENING_QUOTE':
    case 'CSV_INVALID_CLOSING_QUOTE':
    case 'CSV_NON_TRIMABLE_CHAR_AFTER_CLOSING_QUOTE':
      return new UserError(
        `${where}: a double quote stands inside a quoted field; write it twice, as a backslash before it does not count, or turn quoting off where quotes are text`,
      )
    default:
      return new UserError(`${where}: not a valid row (${error.message}); check the delimiter and the quotes`)
  }
}

/** The line where a record begins that ends on `last`. */
function firstLine(record: readonly string[], last: number): number {
  return last - (record.join('').split('\n').length - 1)
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
  path: string,
  options: DelimitedOptions,
  leave: Leave = stop,
): AsyncGenerator<Row> {
  // Parsing runs ahead of the loop below, and an error drops the records between: this is the next record's line.
  let ahead = 1
  const parser = parse({
    delimiter: options.delimiter,
    quote: options.quoting ? '"' : null,
    escape: options.quoting ? '"' : null,
    relax_quotes: options.literalQuotes ?? false,
    record_delimiter: LINE_ENDS,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: MAX_RECORD_CHARACTERS,
    info: true,
    from_line: options.skipFirst ? 2 : 1,
    on_record(parsed, { lines }) {
      ahead = lines + 1
      return parsed
    },
  })
  // An error of the source reaches the loop below through the parser, which pipeline destroys with it.
  pipeline(texts(path), parser, () => undefined)

  let names = options.columns
  if (names) checkNames(names, 'the given columns')
  try {
    for await (const { record, info } of parser as AsyncIterable<Parsed>) {
      if (names === undefined) {
        checkNames(record, `${path}, line ${firstLine(record, info.lines)}`)
        names = record
        continue
      }
      if (record.length !== names.length) {
        leave(
          new DamagedRow(
            `${path}, line ${firstLine(record, info.lines)}: ${ragged(record.length, names, options.quoting)}`,
          ),
        )
        continue
      }
      yield Object.fromEntries(names.map((name, i) => [name, record[i]!]))
    }
  } catch (error) {
    if (error instanceof CsvError) throw explain(error, `${path}, line ${ahead}`)
    throw error
  } finally {
    parser.destroy()
  }
  if (names === undefined) throw new UserError(`${path} is empty; it needs a heading line and rows`)
}
