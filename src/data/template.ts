/**
 * Prompt templates: nunjucks over the columns of a row.
 * A template is data, not a program: it has no loader, calls no functions or methods, uses the filters listed here, and
 * looks no member up by a computed name, so neither files nor JavaScript's constructors can be reached from one.
 * @module
 */
import nunjucks from 'nunjucks'

import { UserError } from '../errors.ts'
import { listColumns } from './row.ts'
import type { Row, Value } from './row.ts'
import { inspectTemplate } from './template_check.ts'

/** What a person writes for the end of a text; becomes the tokenizer's end-of-text id. */
export const END_OF_TEXT = '<|endoftext|>'

/**
 * Stands for END_OF_TEXT in rendered text, so that one written in the template differs from one that happens to be in
 * the data. A Unicode noncharacter, which no text in interchange contains (The Unicode Standard, section 23.7).
 */
export const END_MARK = '\uFDD0'

/** Prompt and completion (loss on the completion), or one plain text (loss on all of it). */
export type TemplateSource =
  { readonly prompt: string; readonly completion: string } | { readonly text: string }

/** A rendered row. Plain text is a completion after an empty prompt. END_MARK stands for the end of text. */
export interface Rendered {
  readonly prompt: string
  readonly completion: string
}

export interface Template {
  /** Columns that every row must have. */
  readonly variables: readonly string[]
  /** Renders the row; `where` names it in errors. */
  render(row: Row, where: string): Rendered
  /** The prompt alone, for generation: the completion's columns may be missing. Empty for plain text. */
  renderPrompt(row: Row, where: string): string
}

const environment = new nunjucks.Environment([], { autoescape: false, throwOnUndefined: true })

interface Part {
  readonly variables: readonly string[]
  render(row: Row, where: string): string
}

function compilePart(source: string, name: string): Part {
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
  return (error as Error).message.replace(/^\(unknown path\)\s*/, '').replace(/\s+/g, ' ').trim()
}

function hasMark(value: Value): boolean {
  if (typeof value === 'string') return value.includes(END_MARK)
  return typeof value === 'object' && value !== null && Object.values(value).some(hasMark)
}

/**
 * Compiles a template.
 *
 * @example
 * compileTemplate({ prompt: 'Word: {{word}} ; Definition:', completion: ' {{definition}}<|endoftext|>' })
 * @throws UserError where it is malformed, or uses what templates may not.
 */
export function compileTemplate(source: TemplateSource): Template {
  const prompt = 'text' in source ? undefined : compilePart(source.prompt, 'prompt')
  const completion =
    'text' in source ? compilePart(source.text, 'text') : compilePart(source.completion, 'completion')
  const renderPrompt = (row: Row, where: string): string => prompt?.render(row, where) ?? ''
  return {
    variables: [...new Set([...(prompt?.variables ?? []), ...completion.variables])],
    render: (row, where) => ({ prompt: renderPrompt(row, where), completion: completion.render(row, where) }),
    renderPrompt,
  }
}
