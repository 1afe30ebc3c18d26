/**
 * What a file of data looks like.
 * @module
 */
import { UserError } from '../errors.ts'
import { readRows } from '../data/sources/read_rows.ts'
import type { Row, Value } from '../data/row.ts'

export interface DataColumn {
  readonly name: string
  /** The types of its values, such as `text` or `number or null`. */
  readonly type: string
  /** Different values; undefined above 20, or where they are no texts or numbers. */
  readonly values: readonly string[] | undefined
  /** Characters of its texts, on average. */
  readonly length: number
  /** Rows that have no value in it, or nothing but spaces. */
  readonly blanks: number
}

export interface DataLook {
  readonly path: string
  readonly rows: number
  /** Whether there are more rows than were read. */
  readonly more: boolean
  readonly columns: readonly DataColumn[]
  /** The first rows. */
  readonly sample: readonly Row[]
}

/** Rows that are read, and that are kept. */
const MOST_ROWS = 10_000
const KEPT = 1000
/** Most different values that are classes by the look of them. */
const MOST_CLASSES = 20

/** Reads the beginning of a file. Throws UserError as `readRows` does, or where there is no row. */
export async function lookAtData(path: string): Promise<DataLook> {
  const tallies = new Map<
    string,
    { types: Set<string>; values: Set<string>; characters: number; filled: number }
  >()
  const sample: Row[] = []
  let rows = 0
  let more = false
  for await (const row of readRows(path, {}, () => undefined)) {
    if (rows === MOST_ROWS) {
      more = true
      break
    }
    rows++
    if (sample.length < KEPT) sample.push(row)
    for (const [name, value] of Object.entries(row)) {
      const tally = tallies.get(name) ?? { types: new Set(), values: new Set(), characters: 0, filled: 0 }
      tallies.set(name, tally)
      tally.types.add(typeOf(value))
      const blank = value === null || (typeof value === 'string' && value.trim() === '')
      if (!blank) tally.filled++
      if (typeof value === 'object') continue
      tally.characters += String(value).length
      if (tally.values.size <= MOST_CLASSES) tally.values.add(String(value))
    }
  }
  if (rows === 0) throw new UserError(`${path} has no rows; name a file with some`)
  const columns = Array.from(tallies, ([name, { types, values, characters, filled }]): DataColumn => ({
    name,
    type: [...types].join(' or '),
    values: values.size > 0 && values.size <= MOST_CLASSES ? [...values] : undefined,
    length: characters / rows,
    blanks: rows - filled,
  }))
  return { path, rows, more, columns, sample }
}

function typeOf(value: Value): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'list'
  return typeof value === 'string' ? 'text' : typeof value === 'object' ? 'object' : typeof value
}
