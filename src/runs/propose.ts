/**
 * What one may learn from a file of data, and how: for `ortune init`.
 * @module
 */
import { basename } from 'node:path'

import { UserError } from '../errors.ts'
import type { LikelyColumns } from '../data/kinds/kind.ts'
import { kindNames, kindNamed } from '../data/kinds/index.ts'
import { rowKey, splitOfColumn } from '../data/sets/splits.ts'
import type { Split } from '../data/sets/splits.ts'
import { detectTemplateOfRow } from '../data/templates/forms.ts'
import type { TemplateSource } from '../data/templates/template_source.ts'
import type { Row } from '../data/row.ts'
import { TASK_NAMES, taskNamed } from '../tasks/index.ts'
import type { TaskName } from '../tasks/index.ts'
import type { DataColumn, DataLook } from './look_at_data.ts'

/** The first task that learns from data like this, a policy where there is one. */
export function proposeTask(look: DataLook): TaskName {
  const likely = likelyColumns(look)
  const kind =
    kindNames().find((name) => detectTemplateOfRow(look.sample[0]!, name)) ??
    kindNames().find((name) => kindNamed(name).guess?.(likely))
  const fitting = TASK_NAMES.filter((name) => taskNamed(name).learnsFrom === kind)
  return fitting.find((name) => taskNamed(name).head === 'language') ?? fitting[0] ?? TASK_NAMES[0]
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
  const template = kindNamed(kind).guess?.(likelyColumns(look))
  if (template) return { template, guessed: true }
  const names = look.columns.map(({ name }) => `"${name}"`).join(', ')
  throw new UserError(
    `${look.path} has the columns ${names}, which are of no form that task ${task} knows; it learns from ${kindNamed(kind).wanted}, so name the columns like that, or choose another task`,
  )
}

const likelyColumns = (look: DataLook): LikelyColumns => ({
  texts: textColumns(look),
  label: classColumn(look)?.name,
})

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

/** Names of what tells rows apart or counts them: `id`, `Order Id`, `userId`, `order_no`. */
const isIdName = (name: string): boolean =>
  /(?:^|[\W_])(?:ids?|uuid|key|index|idx|no|nr|number|#)$/i.test(name) || /[a-z](?:Id|ID)s?$/.test(name)

/**
 * A column of few values, each of which comes back often enough to be a class: before others one without blanks, then one whose
 * name is no identifier's, then that of the fewest values.
 */
function classColumn({ columns, rows }: DataLook): DataColumn | undefined {
  const found = columns.filter(
    ({ name, values = [] }) => name !== 'split' && values.length > 1 && 4 * values.length <= rows,
  )
  const rank = ({ name, blanks, values = [] }: DataColumn) =>
    [Number(blanks > 0), Number(isIdName(name)), values.length] as const
  const [best] = found
    .map((column) => ({ column, of: rank(column) }))
    .sort((a, b) => a.of[0] - b.of[0] || a.of[1] - b.of[1] || a.of[2] - b.of[2])
  return best?.column
}

/** How a file's rows are split: by its own column, else by a share that leaves some rows to validate on. */
type ProposedSplit = { readonly column: string } | { readonly validation: number } | { readonly all: Split }

/** @throws UserError where there are too few different rows to split */
function proposeSplit({ path, sample, more, rows, columns }: DataLook): ProposedSplit {
  if (columns.some(({ name }) => name === 'split')) {
    const named = sample.map((row) => splitOrNone(row))
    if (!named.includes(undefined) && named.includes('train') && named.includes('validation'))
      return { column: 'split' }
  }
  if (more || rows > sample.length) return { validation: 0.1 }
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

/** The sources of a configuration; files whose names say it are validation or test data. */
export function proposeSources(looks: readonly DataLook[]): { path: string; split: ProposedSplit }[] {
  const named = looks.map(({ path }) => splitOfName(basename(path)))
  const apart = named.includes('train') && named.includes('validation')
  return looks.map((look, i) => ({
    path: look.path,
    split: apart ? { all: named[i]! } : proposeSplit(look),
  }))
}

function splitOfName(file: string): Split {
  if (/(^|[^a-z])(valid|validation|val|dev)([^a-z]|$)/i.test(file)) return 'validation'
  return /(^|[^a-z])test([^a-z]|$)/i.test(file) ? 'test' : 'train'
}

/** What of the model is trained: adapters, or plastic blocks where the task trains those. */
export const proposeTrained = (task: TaskName): object =>
  taskNamed(task).refuses.plasticBlocks === 'needed'
    ? { npt: { rank: 8, attention_residual: true } }
    : { lora: { r: 8, lora_alpha: 16 } }
