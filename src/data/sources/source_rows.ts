/**
 * The rows of a source of data, each with its split and its place.
 * @module
 */
import { UserError } from '../../errors.ts'
import type { ByteFile } from '../../formats/byte_file.ts'
import type { DataKindName } from '../kinds/index.ts'
import { detectTemplateOfRow, listForms } from '../templates/forms.ts'
import type { OddRows } from '../examples/odd_rows.ts'
import type { Leave } from './damaged_row.ts'
import { readTolerantRows } from './rows_of.ts'
import type { ReadOptions } from './rows_of.ts'
import { listColumns } from '../row.ts'
import type { Row } from '../row.ts'
import { splitOfColumn } from '../sets/splits.ts'
import type { Split, SplitFractions } from '../sets/splits.ts'
import { requiredColumns } from '../templates/template_source.ts'
import type { TemplateSource } from '../templates/template_source.ts'

/**
 * How a source's rows are split: all alike, by a column that says so, or drawn by a seed; with `by`, rows with the same
 * value in that column together.
 */
export type SplitRule = { readonly all: Split } | { readonly column: string } | DrawnRule

export type DrawnRule = SplitFractions & { readonly seed: number; readonly by?: string | undefined }

/** The splits of a source's rows, by their numbers from 0. */
export type Drawn = readonly Split[]

export interface DataSource {
  readonly file: ByteFile
  readonly read?: ReadOptions
  readonly split: SplitRule
  /** By default that of all sources, or else what the columns of the first row tell. */
  readonly template?: TemplateSource | undefined
}

export interface PlacedRow {
  readonly row: Row
  readonly split: Split
  /** Names the row in errors: file and number. */
  readonly where: string
}

/**
 * Reads a source row by row.
 *
 * @param oddRows what is done with damaged rows; `leave` learns of each that is left out
 * @param drawn the splits that `split_sources.ts` has drawn; none where the rows themselves tell
 * @throws UserError as `readRows` does, for a split that is none, or where no row has a column its template requires
 */
export async function* sourceRows(
  { file, read, split, template }: DataSource,
  drawn: Drawn = [],
  oddRows: OddRows = 'error',
  leave?: Leave,
): AsyncGenerator<PlacedRow> {
  const unseen = new Set(template ? requiredColumns(template) : [])
  let number = 0
  let last: Row = {}
  for await (const row of readTolerantRows(file, read, oddRows, leave)) {
    const where = `${file.name}, row ${++number}`
    for (const column of unseen) if (Object.hasOwn(row, column)) unseen.delete(column)
    last = row
    yield { row, split: splitOf(split, row, drawn[number - 1], where), where }
  }
  const [missing] = unseen
  if (missing !== undefined && number > 0) {
    throw new UserError(
      `${file.name}: the template requires "${missing}", which is no column of any row; there are ${listColumns(last)}`,
    )
  }
}

function splitOf(rule: SplitRule, row: Row, drawn: Split | undefined, where: string): Split {
  if ('all' in rule) return rule.all
  if ('column' in rule) return splitOfColumn(row, rule.column, where)
  if (drawn === undefined) throw new UserError(`${where}: the file changed while it was read; start again`)
  return drawn
}

/**
 * The template that the columns of a source's first row tell; see `forms.ts`.
 *
 * @throws UserError where they are of no known form, or there is no row
 */
export async function templateOfFirstRow(
  file: ByteFile,
  read: ReadOptions | undefined,
  task: DataKindName,
  oddRows: OddRows = 'error',
): Promise<TemplateSource> {
  for await (const row of readTolerantRows(file, read, oddRows)) {
    const template = detectTemplateOfRow(row, task)
    if (template) return template
    throw new UserError(
      `${file.name}: its columns (${listColumns(row)}) are of no form known for ${task}; give a template, or name the columns as in one of: ${listForms(task)}`,
    )
  }
  throw new UserError(`${file.name}: there is no row to tell its form from; add rows, or give a template`)
}
