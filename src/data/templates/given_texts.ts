/**
 * Texts that a person gives to a classifier, made into what it has learned from.
 * @module
 */
import { UserError } from '../../errors.ts'
import type { Row } from '../row.ts'
import { parseExactJson } from '../sources/exact_json.ts'
import { compilePart } from './template_part.ts'
import type { LabelTemplate } from './template_source.ts'

/**
 * The texts as the template writes them; as they are where there is none. A row gives the template its columns. For a
 * template of one column a text is that column's value, unless it is a JSON object with that column; for one of several
 * each is a JSON object of them.
 *
 * @returns END_MARK stands for the end of text
 * @throws UserError where a text that should be a JSON object is none, or a row lacks a column or has an unknown one
 */
export function renderTexts(given: readonly (string | Row)[], template: LabelTemplate | undefined): string[] {
  const part = template && compilePart(template.text, 'text')
  // A labelled row may be given as it is.
  const labels = template ? compilePart(template.label, 'label').variables : []
  return given.map((text, i) => {
    const where = `text ${i + 1}`
    if (!part) {
      if (typeof text === 'string') return text
      throw new UserError(
        `${where} is a JSON object, and there is no run's template to read it; write a JSON string`,
      )
    }
    const row = typeof text === 'string' ? toRow(text, where, part.variables) : text
    checkColumns(row, part.variables, labels, where)
    return part.render(row, where)
  })
}

/** What a person wrote for a template of these columns: the value of its one column, or a JSON object of them. */
export function toRow(text: string, where: string, columns: readonly string[]): Row {
  const value = parseJson(text)
  if (columns.length === 1) {
    const [column] = columns
    return isRow(value) && Object.hasOwn(value, column!) ? value : { [column!]: text }
  }
  if (isRow(value)) return value
  const example = JSON.stringify(Object.fromEntries(columns.map((name) => [name, '…'])))
  throw new UserError(
    `${where} is no JSON object of the columns that the run's template needs; write ${example}`,
  )
}

function checkColumns(row: Row, columns: readonly string[], labels: readonly string[], where: string): void {
  const names = columns.join(', ')
  const missing = columns.find((name) => !Object.hasOwn(row, name))
  if (missing !== undefined) {
    throw new UserError(`${where}: there is no column "${missing}"; the run's template reads ${names}`)
  }
  const unknown = Object.keys(row).find((name) => !columns.includes(name) && !labels.includes(name))
  if (unknown === undefined) return
  throw new UserError(
    `${where}: the run's template does not read the column "${unknown}"; give ${names} alone`,
  )
}

export const isRow = (value: unknown): value is Row =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A JSON value with every digit of its integers, as in data; undefined where the text is none. */
export function parseJson(text: string): unknown {
  try {
    return parseExactJson(text)
  } catch {
    return undefined
  }
}
