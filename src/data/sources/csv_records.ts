/**
 * The records of CSV (RFC 4180): fields between delimiters, of which double quotes enclose those that hold a delimiter, a line end
 * or a quote, and quotes are doubled there.
 * @module
 */

export interface RecordOptions {
  /** One character between fields. */
  readonly delimiter: string
  /** Whether double quotes enclose fields. */
  readonly quoting: boolean
  /** Whether a quote within an unquoted field is text, as Python's csv has it. One after a closing quote is then, too. */
  readonly literalQuotes?: boolean
}

export interface CsvRecord {
  readonly fields: readonly string[]
  /** The number of the line that it begins in, from 1. */
  readonly line: number
}

/** Why a record cannot be told from the next: a quote is never closed, stands where none may, or the record has no end. */
export type CsvFault = 'open' | 'inside' | 'long'

export class CsvError extends Error {
  readonly fault: CsvFault
  /** Where the record begins. */
  readonly line: number

  constructor(fault: CsvFault, line: number) {
    super(`${fault}, line ${line}`)
    this.fault = fault
    this.line = line
  }
}

export const MAX_RECORD_CHARACTERS = 1_000_000

const QUOTE = '"'

/**
 * Yields the records of a text; blank lines are none. Memory for one block, and one record.
 *
 * @param blocks whole lines, of which only the last may lack its end
 * @throws CsvError
 */
export async function* csvRecords(
  blocks: AsyncIterable<string>,
  options: RecordOptions,
): AsyncGenerator<CsvRecord> {
  let line = 1
  // From the beginning of a record on.
  let text = ''
  for await (const block of blocks) {
    text += block
    let at = 0
    while (at < text.length) {
      const blank = lineEnd(text, at)
      if (blank === 0) {
        const record = plainRecord(text, at, options) ?? quotedRecord(text, at, options, line)
        if (!record) break
        if (record.end - at > MAX_RECORD_CHARACTERS) throw new CsvError('long', line)
        yield { fields: record.fields, line }
        line += lineFeedsIn(text, at, record.end)
        at = record.end
      }
      const end = blank || lineEnd(text, at)
      if (end > 0) line++
      at += end
    }
    text = text.slice(at)
    if (text.length > MAX_RECORD_CHARACTERS) throw new CsvError('long', line)
  }
  if (text !== '') throw new CsvError('open', line)
}

interface Cut {
  readonly fields: string[]
  /** Where its line end is. */
  readonly end: number
}

/** The record of one line without quotes. */
function plainRecord(text: string, at: number, { delimiter, quoting }: RecordOptions): Cut | undefined {
  const end = endOfLine(text, at)
  const line = text.slice(at, end)
  return quoting && line.includes(QUOTE) ? undefined : { fields: line.split(delimiter), end }
}

/** Any record; none where its text ends within quotes. */
function quotedRecord(
  text: string,
  at: number,
  { delimiter, literalQuotes = false }: RecordOptions,
  line: number,
): Cut | undefined {
  const fields: string[] = []
  const ends = (i: number): boolean => i === text.length || text[i] === delimiter || lineEnd(text, i) > 0
  for (let i = at; ; i++) {
    let field = ''
    if (text[i] === QUOTE) {
      const close = closingQuote(text, i + 1)
      if (close < 0) return undefined
      field = text.slice(i + 1, close).replaceAll(QUOTE + QUOTE, QUOTE)
      i = close + 1
      if (!ends(i)) {
        if (!literalQuotes) throw new CsvError('inside', line)
        field = QUOTE + field + QUOTE
      }
    }
    const from = i
    for (; !ends(i); i++) if (!literalQuotes && text[i] === QUOTE) throw new CsvError('inside', line)
    fields.push(field + text.slice(from, i))
    if (text[i] !== delimiter) return { fields, end: i }
  }
}

/** The index of the first quote from `from` on that is not doubled; −1 where there is none. */
function closingQuote(text: string, from: number): number {
  let quote = text.indexOf(QUOTE, from)
  while (quote >= 0 && text[quote + 1] === QUOTE) quote = text.indexOf(QUOTE, quote + 2)
  return quote
}

const [LINE_FEED, CARRIAGE_RETURN] = [0x0a, 0x0d]

/** The length of the line end at an index, 0 where there is none: two carriage returns where a program translated them once more. */
function lineEnd(text: string, at: number): number {
  let end = at
  while (end < at + 2 && text.charCodeAt(end) === CARRIAGE_RETURN) end++
  return text.charCodeAt(end) === LINE_FEED ? end + 1 - at : 0
}

/** Where the first line end from `at` on begins. */
function endOfLine(text: string, at: number): number {
  const feed = text.indexOf('\n', at)
  if (feed < 0) return text.length
  let end = feed
  while (end > at && end > feed - 2 && text.charCodeAt(end - 1) === CARRIAGE_RETURN) end--
  return end
}

function lineFeedsIn(text: string, from: number, to: number): number {
  let count = 0
  for (let at = text.indexOf('\n', from); at >= 0 && at < to; at = text.indexOf('\n', at + 1)) count++
  return count
}
