/**
 * A condition over a row: which rows of a source are learned from.
 * @module
 */
import { UserError } from '../../errors.ts'
import { quote } from '../../quote.ts'
import type { Row } from '../row.ts'
import { compilePart } from './template_part.ts'

/** Whether a row fulfils it; `where` names the row in errors. */
export type Condition = (row: Row, where: string) => boolean

/**
 * Compiles a condition: an expression of nunjucks, in braces or without, or a template that writes `true` or `false`.
 *
 * @example
 * compileCondition('{{ row.response | length < 100 }}')({ response: 'yes' }, 'row 1') // true
 * @throws UserError where it is malformed or uses what templates may not; on a row, where it writes anything else
 */
export function compileCondition(source: string): Condition {
  const template = /\{[{%]/.test(source) ? source : `{{ ${source} }}`
  const part = compilePart(template, 'filter')
  return (row, where) => {
    const text = part.render(row, where).trim()
    if (text === 'true' || text === 'false') return text === 'true'
    throw new UserError(
      `${where}: the filter ${quote(source)} is no condition, as it writes ${quote(text)} in place of true or false; compare something, as in {{ row.response | length < 100 }}`,
    )
  }
}
