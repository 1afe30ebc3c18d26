/**
 * One text of a template, compiled, which says what a row has wrong.
 * @module
 */
import { UserError } from '../../errors.ts'
import { quote } from '../../quote.ts'
import { TOO_LONG } from '../../within_time.ts'
import { MOST_CHARACTERS } from '../../text/bounds.ts'
import { TemplateFault } from '../examples/odd_rows.ts'
import { hasMarks, markTemplate } from './end_of_text.ts'
import { Binary, listColumns } from '../row.ts'
import type { Row, Value } from '../row.ts'
import { columnsProgram } from './columns_program.ts'
import { nunjucksProgram } from './nunjucks_program.ts'
import { ROW } from './program.ts'

export interface TemplatePart {
  /** Columns that every row must have. */
  readonly variables: readonly string[]
  /** Renders the row; `where` names it in errors. END_MARK stands for the end of text. */
  render(row: Row, where: string): string
}

/** Characters of a template: nunjucks looks for what begins and does not end in quadratic time. */
const LONGEST = 20_000

/**
 * Compiles a text.
 *
 * @param name what to call it in an error: prompt, completion, text …
 * @throws UserError where it is malformed, or uses what templates may not
 */
export function compilePart(source: string, name: string): TemplatePart {
  if (source.length > LONGEST)
    throw new UserError(
      `the ${name} template has ${source.length} characters, and ${LONGEST} are the most; put long texts into a column of the data`,
    )
  const marked = markTemplate(source)
  const program = columnsProgram(marked) ?? nunjucksProgram(marked, name)
  const { named, ofRow, readsRow } = program
  const variables = [...new Set([...named, ...ofRow])]
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
        text = program.run(readsRow ? { [ROW]: context, ...context } : context)
      } catch (error) {
        if ((error as Error).message.includes(TOO_LONG))
          throw new TemplateFault(
            `${where}: the ${name} template fails (${(error as Error).message}); simplify its patterns and loops`,
          )
        // A filter for texts that meets a list or an object.
        if (/TypeError/.test((error as Error).message))
          nested ??= Object.keys(row).find((column) => isNested(row[column]!) && source.includes(column))
        if (nested !== undefined)
          throw new UserError(`${where}: ${explainNested(name, nested, row[nested]!)}`)
        const empty = variables.find((column) => row[column] === null)
        const problem =
          empty === undefined
            ? `fails (${(error as Error).message})`
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

function hasMark(value: Value): boolean {
  if (typeof value === 'string') return hasMarks(value)
  return typeof value === 'object' && value !== null && Object.values(value).some(hasMark)
}
