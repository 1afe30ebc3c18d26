/**
 * What a file of data looks like, and what one may learn from it: for `ortune init`.
 * @module
 */
import { UserError } from '../errors.ts'
import type { DataKindName } from '../data/kinds/index.ts'
import { kinds } from '../data/kinds/index.ts'
import { rowKey, splitOfColumn } from '../data/sets/splits.ts'
import type { Split } from '../data/sets/splits.ts'
import { readRows } from '../data/sources/read_rows.ts'
import { detectTemplateOfRow } from '../data/templates/forms.ts'
import { inTemplate } from '../data/templates/template_part.ts'
import type { TemplateSource } from '../data/templates/template_source.ts'
import type { Row, Value } from '../data/row.ts'
import { TASK_NAMES, taskNamed } from '../tasks/index.ts'
import type { TaskName } from '../tasks/index.ts'

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
  for await (const row of readRows(path)) {
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

/** Pairs and labels before plain texts, as their rows have those too. */
const TELLING: readonly DataKindName[] = ['preference', 'unpaired', 'classification', 'sft', 'prompt']

/** The first task that learns from data like this, a policy where there is one. */
export function proposeTask(look: DataLook): TaskName {
  const told = TELLING.find((kind) => detectTemplateOfRow(look.sample[0]!, kind))
  const kind = told ?? (classColumn(look) ? 'classification' : 'sft')
  const fitting = TASK_NAMES.filter((name) => taskNamed(name).learnsFrom === kind)
  return fitting.find((name) => taskNamed(name).head === 'language') ?? fitting[0]!
}

/**
 * The template of a file, told by its columns, or guessed from what they hold.
 *
 * @throws UserError where neither is possible
 */
export function proposeTemplate(
  look: DataLook,
  task: TaskName,
): { readonly template: TemplateSource; readonly guessed: boolean } {
  const kind = taskNamed(task).learnsFrom
  const told = detectTemplateOfRow(look.sample[0]!, kind)
  if (told) return { template: told, guessed: false }
  const template = guess(look, kind)
  if (template) return { template, guessed: true }
  const names = look.columns.map(({ name }) => `"${name}"`).join(', ')
  throw new UserError(
    `${look.path} has the columns ${names}, which are of no form that task ${task} knows; it learns from ${kinds[kind].wanted}, so name the columns like that, or choose another task`,
  )
}

function guess(look: DataLook, kind: DataKindName): TemplateSource | undefined {
  const label = classColumn(look)
  const texts = textColumns(look)
  const column = (name: string) => `{{ ${inTemplate(name)} }}`
  if (kind === 'classification') {
    const longest = texts.filter((one) => one !== label).sort((a, b) => b.length - a.length)[0]
    return label && longest && { text: column(longest.name), label: column(label.name) }
  }
  const [first, ...others] = texts
  const last = others.at(-1)
  if (!first) return undefined
  if (kind === 'prompt') return { prompt: column(first.name) }
  if (kind !== 'sft') return undefined
  if (!last) return { text: `${column(first.name)}<|endoftext|>` }
  return { prompt: column(first.name), completion: ` ${column(last.name)}<|endoftext|>` }
}

/** Columns of text, without identifiers, unless one may be the answer to the only other column. */
function textColumns({ columns, sample }: DataLook): DataColumn[] {
  const texts = columns.filter(
    ({ name, type, length }) => /\btext\b/.test(type) && name !== 'split' && length > 0,
  )
  const prose = texts.filter(({ name }) => !identifies(sample.map((row) => row[name])))
  return prose.length > 1 || (prose.length === 1 && prose[0] !== texts[0]) ? prose : texts
}

/** Whether values are different words with a digit in each, such as numbers and UUIDs. */
const identifies = (values: readonly unknown[]): boolean =>
  new Set(values).size === values.length && values.every((value) => /^\S*\d\S*$/.test(String(value)))

/** A column of few values, each of which comes back often enough to be a class; one without blanks where there is one. */
function classColumn({ columns, rows }: DataLook): DataColumn | undefined {
  const found = columns.filter(
    ({ name, values = [] }) => name !== 'split' && values.length > 1 && 4 * values.length <= rows,
  )
  return found.find(({ blanks }) => blanks === 0) ?? found[0]
}

/** How a file's rows are split: by its own column, else by a share that leaves some rows to validate on. */
export type ProposedSplit =
  { readonly column: string } | { readonly validation: number } | { readonly all: Split }

/** @throws UserError where there are too few different rows to split */
export function proposeSplit({ path, sample, more, rows, columns }: DataLook): ProposedSplit {
  if (columns.some(({ name }) => name === 'split')) {
    const named = sample.map((row) => splitOrNone(row))
    if (!named.includes(undefined) && named.includes('train') && named.includes('validation'))
      return { column: 'split' }
  }
  if (more || rows > KEPT) return { validation: 0.1 }
  if (new Set(sample.map(rowKey)).size > 1) return { validation: 0.1 }
  throw new UserError(
    `${path} has too few different rows (${rows}) to train on some and to validate on others; add rows`,
  )
}

function splitOrNone(row: Row): Split | undefined {
  try {
    return splitOfColumn(row, 'split', '')
  } catch {
    return undefined
  }
}
