/**
 * A row of columns to a text and its class.
 * @module
 */
import { UserError } from '../../errors.ts'
import { isBlank } from './end_of_text.ts'
import type { Row } from '../row.ts'
import { compilePart, nullAsEmpty } from './template_part.ts'
import type { LabelTemplate } from './template_source.ts'

export interface LabelledText {
  /** END_MARK stands for the end of text. */
  readonly text: string
  /** Without white space around it; see `canonicalLabel`. */
  readonly label: string
}

/**
 * Compiles a template of text and label.
 *
 * @returns renders a row; undefined for a row without text. `where` names the row in errors.
 * @throws UserError where the template is malformed or its label names no column; on rendering, for an empty label
 */
export function compileLabelledText(
  source: LabelTemplate,
): (row: Row, where: string) => LabelledText | undefined {
  const textPart = compilePart(source.text, 'text')
  const labelOf = compileLabel(source.label)
  return (row, where) => {
    const text = textPart.render(nullAsEmpty(row, textPart), where)
    if (isBlank(text)) return undefined
    const label = labelOf(row, where)
    if (label === '') throw new UserError(`${where}: the label is empty; give the row a class, or remove it`)
    return { text, label }
  }
}

/**
 * Compiles the text of a label, which is rendered without white space around it.
 *
 * @throws UserError where it is malformed or names no column
 */
export function compileLabel(source: string): (row: Row, where: string) => string {
  const part = compilePart(source, 'label')
  if (part.variables.length === 0) {
    throw new UserError(
      `the label template ${JSON.stringify(source)} names no column; write for example {{ label }}`,
    )
  }
  return (row, where) => canonicalLabel(part.render(row, where).trim())
}

/**
 * The same label for the same value, whatever file it is from: JSON's 1 and true are `1.0` in a CSV column that pandas holds
 * as floats, and `True` or `TRUE` as Python and spreadsheets write them.
 */
export const canonicalLabel = (label: string): string =>
  /^(?:true|false)$/i.test(label) ? label.toLowerCase() : label.replace(/^(-?\d+)\.0+$/, '$1')
