/**
 * A text of a template that nunjucks runs.
 * A template is data, not a program: it has no loader, calls no functions or methods, uses the filters listed in
 * template_check.ts, and looks no member up by a computed name, so neither files nor JavaScript's constructors can be
 * reached from one.
 * @module
 */
import nunjucks from 'nunjucks'

import { UserError } from '../../errors.ts'
import { boundedEnvironment, renderBounded } from './environment.ts'
import type { Program } from './program.ts'
import { FILTERS, inspectTemplate } from './template_check.ts'

const environment = boundedEnvironment(FILTERS)

/** Compiles a text as {@link Program} says. Throws UserError where it is malformed, or uses what templates may not. */
export function nunjucksProgram(source: string, part: string): Program {
  const columns = inspectTemplate(source, part)
  let compiled: nunjucks.Template
  try {
    compiled = new nunjucks.Template(source, environment, undefined, true)
  } catch (error) {
    throw new UserError(`the ${part} template does not compile (${reason(error)})`)
  }
  return {
    ...columns,
    run(row) {
      try {
        return renderBounded(compiled, row)
      } catch (error) {
        throw new Error(reason(error), { cause: error })
      }
    },
  }
}

/** nunjucks puts the template's path, which we have none of, and a place of its own before the reason. */
function reason(error: unknown): string {
  return (error as Error).message
    .replace(/^\(unknown path\)\s*/, '')
    .replace(/^\[Line \d+, Column \d+\]\s*/, '')
    .replace(/\s+/g, ' ')
    .trim()
}
