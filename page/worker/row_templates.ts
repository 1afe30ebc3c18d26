/** Templates that a person of the page gives, and those that are put forward to them; loaded when one is asked for. @module */
import type { DataKind, DataKindName, Row, TaskName, TemplateSource } from '../../src/web.ts'
import {
  blobFile,
  columnTemplate,
  detectTemplateOfRow,
  kinds,
  readRowsOf,
  taskNamed,
  UserError,
} from '../../src/web.ts'
import { loadKind } from './late_kinds.ts'
import type { RowParts, Source } from './workshop.ts'

/** Texts that a template given by hand has, one of each list. */
const NEEDED: Readonly<Record<DataKindName, readonly (readonly string[])[]>> = {
  sft: [['text'], ['prompt', 'completion']],
  classification: [['text', 'label']],
  preference: [['chosen', 'rejected']],
  unpaired: [['prompt', 'completion', 'label']],
  prompt: [['prompt']],
}

/** Rows that a template is guessed by. */
const GUESSED_BY = 200

const kindNamed = (kind: DataKindName): DataKind => kinds[kind]

/**
 * The template that was given.
 *
 * @param first the first row, whose columns tell none
 * @throws UserError where there is none, or it is no template that gives examples of the kind
 */
export function checkTemplate(given: unknown, first: Row, kind: DataKindName, name: string): TemplateSource {
  if (given === undefined)
    throw new UserError(
      `${name}: its columns (${Object.keys(first).join(', ')}) do not tell how a row becomes an example; say it under "How rows become examples", or give them names that are known`,
    )
  const { fits, wanted } = kindNamed(kind)
  const has = (key: string): boolean => typeof (given as Record<string, unknown>)[key] === 'string'
  if (NEEDED[kind].some((keys) => keys.every(has)) && fits(given as TemplateSource))
    return given as TemplateSource
  throw new UserError(
    `${name}: an example is made of ${wanted}; fill these in under "How rows become examples", and leave the others empty`,
  )
}

/** @throws UserError where the source cannot be read */
export async function readRowParts({ name, blob }: Source, task: TaskName): Promise<RowParts> {
  const rows: Row[] = []
  for await (const row of readRowsOf(blobFile(blob, name))) if (rows.push(row) === GUESSED_BY) break
  const { learnsFrom } = taskNamed(task)
  await loadKind(learnsFrom)
  return rowParts(rows, learnsFrom)
}

/** What rows have to make examples of, and the template that they tell or else have us guess. */
export function rowParts(rows: readonly Row[], kind: DataKindName): RowParts {
  const [first = {}] = rows
  const names = Object.keys(first).filter((name) => name !== 'split')
  const template = detectTemplateOfRow(first, kind) ?? kindNamed(kind).guess?.(likelyColumns(rows, names))
  return { columns: names.map(columnTemplate), template }
}

/** A class is what has the fewest different values, some of which come back; of equals the last, where labels stand. */
function likelyColumns(rows: readonly Row[], names: readonly string[]) {
  const looks = names.map((name) => {
    const values = rows.map((row) => JSON.stringify(row[name] ?? ''))
    const characters = values.reduce((sum, { length }) => sum + length, 0)
    return { name, length: characters / rows.length, different: new Set(values).size }
  })
  const fewest = Math.min(...looks.map(({ different }) => different))
  const label = looks.findLast(({ different }) => different === fewest && different < rows.length)?.name
  return { texts: looks.map(({ name, length }) => ({ name, length })), label }
}
