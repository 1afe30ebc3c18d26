/**
 * Prompts and responses that a person gives to a reward model, made into what it has learned from.
 * @module
 */
import { UserError } from '../../errors.ts'
import { isRow, parseJson, toRow } from './given_texts.ts'
import type { ControlTokens } from './jinja.ts'
import { compilePreference } from './preference.ts'
import type { Row } from '../row.ts'
import { compilePart } from './template_part.ts'
import { isConversing } from './template_source.ts'
import type { PairTemplate } from './template_source.ts'

/** END_MARK stands for the end of text. */
export interface GivenPair {
  readonly prompt: string
  readonly chosen: string
  readonly rejected: string
}

export interface AnswerTexts {
  /**
   * A prompt as the template writes it. A text is the column of a template that reads one, or what the user says in a
   * conversation; for several columns it is a JSON object of them. Undefined where none is given.
   */
  prompt(given: string | undefined): string
  response(given: string): string
  /** A row with a column `response`, or with those of both answers. */
  row(row: Row, where: string): { readonly prompt: string; readonly response: string } | GivenPair
}

/** How texts are written for a model whose run has this template; as they are where there is none. */
export const compileAnswerTexts = (
  template: PairTemplate | undefined,
  tokens?: ControlTokens,
): AnswerTexts => (template ? byTemplate(template, tokens) : asTheyAre)

const RESPONSE = 'response'

function byTemplate(template: PairTemplate, tokens?: ControlTokens): AnswerTexts {
  const preference = compilePreference({ ...template, margin: undefined }, tokens)
  const columns = promptColumns(template)
  return {
    prompt(given) {
      const where = 'the prompt'
      if (columns.length === 0) return preference.renderPrompt({}, where) || (given ?? '')
      if (given === undefined)
        throw new UserError('there is no prompt that the response is to; give --prompt')
      const row = isConversing(template) ? conversation(given, columns[0]!) : toRow(given, where, columns)
      return preference.renderPrompt(row, where)
    },
    response: (given) => preference.renderAnswer(given),
    row(row, where) {
      if (Object.hasOwn(row, RESPONSE))
        return {
          prompt: preference.renderPrompt(row, where),
          response: preference.renderAnswer(text(row, RESPONSE, where)),
        }
      const pair = preference.render(row, where)
      if (pair) return { prompt: pair.prompt.join(''), chosen: pair.chosen, rejected: pair.rejected }
      throw new UserError(`${where}: a column that the template needs is empty; fill it or remove the row`)
    },
  }
}

function promptColumns(template: PairTemplate): readonly string[] {
  if (isConversing(template)) return [template.messages ?? 'messages']
  return template.prompt === undefined ? [] : compilePart(template.prompt, 'prompt').variables
}

/** A JSON object with the conversation's column, or what the user says. */
function conversation(given: string, column: string): Row {
  const value = parseJson(given)
  if (isRow(value) && Object.hasOwn(value, column)) return value
  return { [column]: [{ role: 'user', content: given }] }
}

const asTheyAre: AnswerTexts = {
  prompt: (given = '') => given,
  response: (given) => given,
  row(row, where) {
    const prompt = text(row, 'prompt', where)
    if (Object.hasOwn(row, RESPONSE)) return { prompt, response: text(row, RESPONSE, where) }
    return { prompt, chosen: text(row, 'chosen', where), rejected: text(row, 'rejected', where) }
  },
}

function text(row: Row, column: string, where: string): string {
  const value = row[column]
  if (typeof value === 'string') return value
  throw new UserError(
    `${where}: there is no text in column "${column}"; give prompt and response, or prompt, chosen and rejected`,
  )
}
