/**
 * What the name of a CSV or TSV file does not say, told by what is in it.
 * @module
 */
import { UserError } from '../../errors.ts'
import type { ByteFile } from '../../formats/byte_file.ts'
import { texts } from './csv.ts'
import { MAX_RECORD_CHARACTERS } from './csv_records.ts'

/** The delimiter of a CSV file, and whether its first line is no row but names it, as Excel's `sep=;` does. */
export async function csvDelimiter(
  file: ByteFile,
  hasHeading: boolean,
): Promise<{ readonly delimiter: string; readonly skipFirst: boolean }> {
  const line = await firstLine(file)
  const named = /^sep=(.)\r*$/i.exec(line)
  if (named) return { delimiter: named[1]!, skipFirst: true }
  return { delimiter: hasHeading ? delimiterOf(line) : ',', skipFirst: false }
}

/** A comma, unless the heading has none and one other sign that parts its names. */
function delimiterOf(heading: string): string {
  const bare = heading.replace(/"(?:[^"]|"")*"/g, '')
  const [only, ...others] = [';', '\t', '|'].filter((sign) => bare.includes(sign))
  return only === undefined || others.length > 0 || bare.includes(',') ? ',' : only
}

/** The first line that is not empty; an empty one is no heading. */
async function firstLine(file: ByteFile): Promise<string> {
  for await (const text of texts(file)) {
    const line = /[^\r\n].*/.exec(text)?.[0]
    if (line !== undefined) return line
  }
  return ''
}

/**
 * Whether double quotes enclose fields of a TSV file. In GLUE's they are text, lone ones too; pandas and spreadsheets write
 * them around fields with tabs, line ends or quotes. They enclose where the whole file reads so, and some field needs it.
 * Between two lone quotes there may be rows: of two readings, that with fewer rows of other fields than the heading's is right.
 *
 * @throws UserError where both are
 */
export async function isQuotedTsv(file: ByteFile): Promise<boolean> {
  if (!(await holds(file, /(?:^|[\t\n])"/))) return false
  const quoted = await readQuotes(file, '\t')
  if (!quoted || !(quoted.needed || quoted.heading)) return false
  if (!quoted.spans || quoted.odd < quoted.oddAsText) return true
  if (quoted.odd > quoted.oddAsText) return false
  throw new UserError(
    `${file.name}: its double quotes may be text, or enclose fields with line ends; both fit, so say which: quoting: false or quoting: true`,
  )
}

/** Whether every field that a double quote opens is closed at its end, so that quotes elsewhere can be text. */
export const closesQuotes = async (file: ByteFile, delimiter: string): Promise<boolean> =>
  (await holds(file, /"/)) && (await readQuotes(file, delimiter)) !== undefined

/** What a file is where double quotes enclose fields. */
interface QuotedReading {
  /** Whether some quoted field holds the delimiter, a line end or a quote. */
  needed: boolean
  /** Whether some holds a line end. */
  spans: boolean
  /** Whether all fields of the first record are quoted. */
  heading: boolean
  /** Records that have not as many fields as the first, and lines where quotes are text. */
  odd: number
  oddAsText: number
}

/** Counts records, or lines, of other fields than the first. */
class FieldCount {
  odd = 0
  records = 0
  fields = 1
  #first = 0

  end(blank: boolean): void {
    if (!blank) {
      if (this.records++ === 0) this.#first = this.fields
      else if (this.fields !== this.#first) this.odd++
    }
    this.fields = 1
  }
}

const [QUOTE, LINE_FEED, CARRIAGE_RETURN] = [0x22, 0x0a, 0x0d]

/** Reads a whole file both ways; undefined where a quoted field goes on after its quote, or has none at its end. */
async function readQuotes(file: ByteFile, delimiter: string): Promise<QuotedReading | undefined> {
  const found = { needed: false, spans: false, heading: true }
  const [records, lines] = [new FieldCount(), new FieldCount()]
  const sign = delimiter.charCodeAt(0)
  let at: 'start' | 'text' | 'quoted' | 'quote' = 'start'
  // Characters of the record and of the line so far, but for carriage returns.
  let [inRecord, inLine] = [0, 0]
  for await (const text of texts(file))
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code === CARRIAGE_RETURN) continue
      const ends = code === LINE_FEED
      const parts = ends || code === sign
      if (code === sign) lines.fields++
      if (ends) lines.end(inLine === 0)
      inLine = ends ? 0 : inLine + 1

      if (at === 'quoted') {
        if (code === QUOTE) at = 'quote'
        else if (parts) found.needed = true
        if (ends) found.spans = true
        if (++inRecord > MAX_RECORD_CHARACTERS) return undefined
        continue
      }
      if (at === 'quote' && !parts) {
        if (code !== QUOTE) return undefined
        at = 'quoted'
        found.needed = true
        continue
      }
      if (at === 'start' && code === QUOTE) at = 'quoted'
      else if (parts) {
        if (records.records === 0 && at !== 'quote' && (inRecord > 0 || !ends)) found.heading = false
        at = 'start'
      } else at = 'text'
      if (code === sign) records.fields++
      if (ends) records.end(inRecord === 0)
      inRecord = ends ? 0 : inRecord + 1
    }
  if (at === 'quoted') return undefined
  if (inRecord > 0) records.end(false)
  if (inLine > 0) lines.end(false)
  return { ...found, odd: records.odd, oddAsText: lines.odd }
}

async function holds(file: ByteFile, pattern: RegExp): Promise<boolean> {
  for await (const text of texts(file)) if (pattern.test(text)) return true
  return false
}
