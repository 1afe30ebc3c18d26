/**
 * One nunjucks text of a template, compiled.
 * A template is data, not a program: it has no loader, calls no functions or methods, uses the filters listed in
 * template_check.ts, and looks no member up by a computed name, so neither files nor JavaScript's constructors can be
 * reached from one.
 * @module
 */
import nunjucks from 'nunjucks'

import { UserError } from '../errors.ts'
import { END_MARK, END_OF_TEXT } from './end_of_text.ts'
import { listColumns } from './row.ts'
import type { Row, Value } from './row.ts'
import { inspectTemplate } from './template_check.ts'

export interface TemplatePart {
  /** Columns that every row must have. */
  readonly variables: readonly string[]
  /** Renders the row; `where` names it in errors. END_MARK stands for the end of text. */
  render(row: Row, where: string): string
}

const environment = new nunjucks.Environment([], { autoescape: false, throwOnUndefined: true })

/**
 * Compiles a text.
 *
 * @param name what to call it in an error: prompt, completion, text …
 * @throws UserError where it is malformed, or uses what templates may not
 */
export function compilePart(source: string, name: string): TemplatePart {
  const marked = source.replaceAll(END_OF_TEXT, END_MARK)
  const variables = inspectTemplate(marked, name)
  let compiled: nunjucks.Template
  try {
    compiled = new nunjucks.Template(marked, environment, undefined, true)
  } catch (error) {
    throw new UserError(`the ${name} template does not compile (${reason(error)})`)
  }
  return {
    variables,
    render(row, where) {
      const missing = variables.find((variable) => !Object.hasOwn(row, variable))
      if (missing !== undefined) {
        throw new UserError(
          `${where}: the ${name} template uses "${missing}", which is no column; there are ${listColumns(row)}`,
        )
      }
      if (Object.values(row).some(hasMark)) {
        throw new UserError(`${where}: a column holds the character U+FDD0, which is no text; remove it`)
      }
      try {
        return compiled.render(row)
      } catch (error) {
        const nulls = Object.keys(row).filter((column) => row[column] === null)
        const hint = nulls.length > 0 ? `; empty here: ${nulls.join(', ')}` : ''
        throw new UserError(`${where}: the ${name} template fails (${reason(error)})${hint}`)
      }
    },
  }
}

/** nunjucks puts the template's path, which we have none of, on a line of its own before the reason. */
function reason(error: unknown): string {
  return (error as Error).message
    .replace(/^\(unknown path\)\s*/, '')
    .replace(/\s+/g, ' ')
    .trim()
}

function hasMark(value: Value): boolean {
  if (typeof value === 'string') return value.includes(END_MARK)
  return typeof value === 'object' && value !== null && Object.values(value).some(hasMark)
}
