/**
 * A row of columns to a prompt, a completion, and whether it is desirable.
 *
 * The completion is a text, or the last reply of a conversation, which is rendered as a chat's.
 * @module
 */
import { UserError } from '../../errors.ts'
import type { Row } from '../row.ts'
import { compileTurns, readConversation } from './conversation.ts'
import type { ControlTokens } from './jinja.ts'
import { compileLabel } from './labelled_text.ts'
import { compileTemplate } from './template.ts'
import type { Rendered } from './template.ts'
import { isConversing } from './template_source.ts'
import type { ChatUnpairedTemplate, CompletionTemplate, UnpairedTemplate } from './template_source.ts'

export interface RenderedUnpaired {
  /** The completion, the last segment, alone carries loss. */
  readonly segments: Rendered
  readonly desirable: boolean
}

/**
 * Compiles a template of a completion and its label.
 *
 * @param tokens what chat templates write; others need none
 * @returns renders a row; undefined where required columns or messages are empty. `where` names the row in errors.
 * @throws UserError where it is malformed; on rendering, for a label that is neither true nor false
 */
export function compileUnpaired(
  source: UnpairedTemplate | ChatUnpairedTemplate,
  tokens?: ControlTokens,
): (row: Row, where: string) => RenderedUnpaired | undefined {
  const label = compileLabel(source.label)
  const segmentsOf = isConversing(source) ? lastReply(source, tokens) : completionOf(source)
  return (row, where) => {
    const segments = segmentsOf(row, where)
    return segments && { segments, desirable: readDesirable(label(row, where), where) }
  }
}

function completionOf({ prompt, completion, requires }: CompletionTemplate) {
  const template = compileTemplate({ prompt, completion, requires })
  return (row: Row, where: string): Rendered | undefined => template.render(row, where)[0]
}

function lastReply(source: ChatUnpairedTemplate, tokens?: ControlTokens) {
  const turns = compileTurns(source, tokens)
  return (row: Row, where: string): Rendered | undefined => {
    const { messages } = readConversation(turns, row, source, where)
    const found = turns.answered(messages, where, row)
    if (!found) return undefined
    return [...found.prompt.map((text) => ({ text, learned: false })), { text: found.answer, learned: true }]
  }
}

/** As JSON, CSV files and spreadsheets write truth. */
const DESIRABLE: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
])

function readDesirable(label: string, where: string): boolean {
  const desirable = DESIRABLE.get(label.toLowerCase())
  if (desirable !== undefined) return desirable
  throw new UserError(
    `${where}: the label is ${JSON.stringify(label)}; it must be true for a desirable completion or false for an undesirable one (or 1 or 0)`,
  )
}
