/**
 * One nunjucks text of a template, compiled.
 * A template is data, not a program: it has no loader, calls no functions or methods, uses the filters listed in
 * template_check.ts, and looks no member up by a computed name, so neither files nor JavaScript's constructors can be
 * reached from one.
 * @module
 */
import nunjucks from 'nunjucks'

import { UserError } from '../../errors.ts'
import { quote } from '../../quote.ts'
import { TOO_LONG } from '../../within_time.ts'
import { MOST_CHARACTERS } from '../../text/bounds.ts'
import { TemplateFault } from '../examples/odd_rows.ts'
import { hasMarks, markTemplate } from './end_of_text.ts'
import { Binary, listColumns } from '../row.ts'
import type { Row, Value } from '../row.ts'
import { boundedEnvironment, renderBounded } from './environment.ts'
import { checkTemplateLength, FILTERS, inspectTemplate, ROW } from './template_check.ts'

export interface TemplatePart {
  /** Columns that every row must have. */
  readonly variables: readonly string[]
  /** Renders the row; `where` names it in errors. END_MARK stands for the end of text. */
  render(row: Row, where: string): string
}

const environment = boundedEnvironment(FILTERS)

/**
 * Compiles a text.
 *
 * @param name what to call it in an error: prompt, completion, text …
 * @throws UserError where it is malformed, or uses what templates may not
 */
export function compilePart(source: string, name: string): TemplatePart {
  checkTemplateLength(source, name)
  const marked = markTemplate(source)
  const { named, ofRow, readsRow } = inspectTemplate(marked, name)
  const variables = [...new Set([...named, ...ofRow])]
  let compiled: nunjucks.Template
  try {
    compiled = new nunjucks.Template(marked, environment, undefined, true)
  } catch (error) {
    throw new UserError(`the ${name} template does not compile (${reason(error)})`)
  }
  return {
    variables,
    render(row, where) {
      const needed = Object.hasOwn(row, ROW) && ofRow.length > 0 ? [...named, ROW] : variables
      const missing = needed.find((variable) => !Object.hasOwn(row, variable))
      if (missing !== undefined) {
        const other = Object.keys(row).find((column) => !isWord(column) && column.includes(missing))
        const remedy = other === undefined ? '' : `; write {{ ${inTemplate(other)} }} for that column`
        throw new UserError(
          `${where}: the ${name} template uses "${missing}", which is no column; there are ${listColumns(row)}${remedy}`,
        )
      }
      if (Object.values(row).some(hasMark)) {
        throw new UserError(
          `${where}: a column holds the character U+FDD0 or U+FDD1, which is no text; remove it`,
        )
      }
      let nested: string | undefined
      let text: string
      try {
        const context = withoutNestedText(row, (column) => (nested = column))
        text = renderBounded(compiled, readsRow ? { [ROW]: context, ...context } : context)
      } catch (error) {
        if ((error as Error).message.includes(TOO_LONG))
          throw new TemplateFault(
            `${where}: the ${name} template fails (${reason(error)}); simplify its patterns and loops`,
          )
        // A filter for texts that meets a list or an object.
        if (/TypeError/.test((error as Error).message))
          nested ??= Object.keys(row).find((column) => isNested(row[column]!) && source.includes(column))
        if (nested !== undefined)
          throw new UserError(`${where}: ${explainNested(name, nested, row[nested]!)}`)
        const empty = variables.find((column) => row[column] === null)
        const problem =
          empty === undefined
            ? `fails (${reason(error)})`
            : `writes column "${empty}", which is null here; give it a value, ${inPlaceOfNull(name, empty)}`
        throw new UserError(`${where}: the ${name} template ${problem}`)
      }
      if (text.length > MOST_CHARACTERS)
        throw new UserError(
          `${where}: the ${name} template writes a text of ${text.length} characters, and ${MOST_CHARACTERS} are the most; divide the row, or leave it out`,
        )
      return text
    },
  }
}

/**
 * The row for a text that is learned or told by its class: null in the only column that it reads counts as empty, as an
 * empty field of a CSV file does.
 */
export function nullAsEmpty(row: Row, { variables }: TemplatePart): Row {
  const [only, ...others] = variables
  return only !== undefined && others.length === 0 && row[only] === null ? { ...row, [only]: '' } : row
}

/** The row with lists and objects that cannot become text by themselves; `onText` learns the column of one that should. */
function withoutNestedText(row: Row, onText: (column: string) => void): Row {
  if (!Object.values(row).some(isNested)) return row
  const guard = (value: Value, column: string): Value => {
    if (!isNested(value)) return value
    const copy = Array.isArray(value)
      ? value.map((item: Value) => guard(item, column))
      : Object.fromEntries(Object.entries(value).map(([key, item]) => [key, guard(item, column)]))
    const toString = (): never => {
      onText(column)
      throw new Error('a list or an object is no text')
    }
    return Object.defineProperty(copy, 'toString', { value: toString })
  }
  return Object.fromEntries(Object.entries(row).map(([column, value]) => [column, guard(value, column)]))
}

const isNested = (value: Value): value is Extract<Value, object> =>
  typeof value === 'object' && value !== null

/** A column as a template names it. */
export const inTemplate = (column: string): string =>
  isWord(column) ? column : `${ROW}[${JSON.stringify(column)}]`

/** A template that writes a column and nothing else. */
export const column = (name: string): string => `{{ ${inTemplate(name)} }}`

const isWord = (column: string): boolean => /^[A-Za-z_]\w*$/.test(column)

/** What to write for a column that may be null; a class has nothing in its place. */
function inPlaceOfNull(name: string, empty: string): string {
  if (name === 'label') return 'or remove the row'
  return `remove the row, or write {{ ${inTemplate(empty)} | default(${name === 'margin' ? '0' : '""'}, true) }}`
}

function explainNested(name: string, column: string, value: Value): string {
  if (value instanceof Binary)
    return `the ${name} template writes column "${column}", which holds bytes that are no text; name another column`
  const remedy = Array.isArray(value)
    ? `the items, for example {{ ${inTemplate(column)} | join(", ") }}`
    : `a member, for example {{ ${inTemplate(column)}.name }}`
  return `the ${name} template writes column "${column}" as text, but it holds ${quote(value)}; write ${remedy}, or {{ ${inTemplate(column)} | dump }} for JSON`
}

/** nunjucks puts the template's path, which we have none of, and a place of its own before the reason. */
function reason(error: unknown): string {
  return (error as Error).message
    .replace(/^\(unknown path\)\s*/, '')
    .replace(/^\[Line \d+, Column \d+\]\s*/, '')
    .replace(/\s+/g, ' ')
    .trim()
}

function hasMark(value: Value): boolean {
  if (typeof value === 'string') return hasMarks(value)
  return typeof value === 'object' && value !== null && Object.values(value).some(hasMark)
}
