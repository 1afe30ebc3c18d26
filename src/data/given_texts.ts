/**
 * Texts that a person gives to a classifier, made into what it has learned from.
 * @module
 */
import { UserError } from '../errors.ts'
import type { Row } from './row.ts'
import { compilePart } from './template_part.ts'
import type { LabelTemplate } from './template_source.ts'

/**
 * The texts as the template writes them; as they are where there is none. For a template of one column a text is that
 * column's value, for one of several each is a JSON object of them.
 *
 * @returns END_MARK stands for the end of text
 * @throws UserError where a text that should be a JSON object is none, or lacks a column
 */
export function renderTexts(given: readonly string[], template: LabelTemplate | undefined): string[] {
  if (!template) return [...given]
  const part = compilePart(template.text, 'text')
  const { variables } = part
  return given.map((text, i) => {
    const where = `text ${i + 1}`
    const row = variables.length === 1 ? { [variables[0]!]: text } : parseRow(text, where, variables)
    return part.render(row, where)
  })
}

function parseRow(text: string, where: string, columns: readonly string[]): Row {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    value = undefined
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Row
  const example = JSON.stringify(Object.fromEntries(columns.map((column) => [column, '…'])))
  throw new UserError(`${where} is no JSON object of the columns that the run's template needs; write ${example}`)
}
