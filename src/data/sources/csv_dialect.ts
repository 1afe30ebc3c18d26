/**
 * What the name of a CSV or TSV file does not say, told by what is in it.
 * @module
 */
import { pipeline } from 'node:stream'

import { parse } from 'csv-parse'

import { MAX_RECORD_CHARACTERS, texts } from './csv.ts'

/** The delimiter of a CSV file, and whether its first line is no row but names it, as Excel's `sep=;` does. */
export async function csvDelimiter(
  path: string,
  hasHeading: boolean,
): Promise<{ readonly delimiter: string; readonly skipFirst: boolean }> {
  const line = await firstLine(path)
  const named = /^sep=(.)$/i.exec(line)
  if (named) return { delimiter: named[1]!, skipFirst: true }
  return { delimiter: hasHeading ? delimiterOf(line) : ',', skipFirst: false }
}

/** A comma, unless the heading has none and one other sign that parts its names. */
function delimiterOf(heading: string): string {
  const bare = heading.replace(/"(?:[^"]|"")*"/g, '')
  const [only, ...others] = [';', '\t', '|'].filter((sign) => bare.includes(sign))
  return only === undefined || others.length > 0 || bare.includes(',') ? ',' : only
}

async function firstLine(path: string): Promise<string> {
  for await (const text of texts(path)) return text.replace(/\r?\n.*$/s, '')
  return ''
}

/**
 * Whether double quotes enclose fields of a TSV file. In GLUE's they are text, lone ones too; pandas and spreadsheets write
 * them around fields with tabs, line ends or quotes. They enclose where the whole file reads so, and some field needs it.
 */
export async function isQuotedTsv(path: string): Promise<boolean> {
  if (!(await holds(path, /(?:^|[\t\n])"/))) return false
  const found = { heading: true, needed: false, swallowed: false }
  const parser = parse({
    delimiter: '\t',
    record_delimiter: ['\r\n', '\n'],
    skip_empty_lines: true,
    max_record_size: MAX_RECORD_CHARACTERS,
    cast(value, { quoting, records }) {
      if (records === 0) found.heading &&= quoting
      found.needed ||= quoting && /[\t\n"]/.test(value)
      // Between two lone quotes there are rows.
      found.swallowed ||= quoting && value.includes('\t') && value.includes('\n')
      return value
    },
  })
  pipeline(texts(path), parser, () => undefined)
  try {
    for await (const record of parser as AsyncIterable<unknown>) if (record && found.swallowed) return false
  } catch {
    return false
  } finally {
    parser.destroy()
  }
  return found.needed || found.heading
}

async function holds(path: string, pattern: RegExp): Promise<boolean> {
  for await (const text of texts(path)) if (pattern.test(text)) return true
  return false
}
