/**
 * A row of columns to a prompt and two answers, of which one is preferred.
 *
 * The answers are texts, or replies to a conversation, which are rendered as a chat's. Where no prompt is given, it is
 * what both answers begin with, as in TRL's "implicit prompt" forms.
 * @module
 */
import { UserError } from '../../errors.ts'
import { compileTurns, promptOf } from './conversation.ts'
import type { ControlTokens } from './jinja.ts'
import type { Row } from '../row.ts'
import { isFilled } from './template.ts'
import { compilePart, nullAsEmpty } from './template_part.ts'
import { isConversing } from './template_source.ts'
import type { ChatPreferenceTemplate, PairTemplate, PreferenceTemplate } from './template_source.ts'
import type { GivenMessage } from './turns.ts'

/** END_MARK stands for the end of text. */
export interface RenderedPair {
  /** In stretches that are tokenised one by one. */
  readonly prompt: readonly string[]
  readonly chosen: string
  readonly rejected: string
  readonly margin: number
}

export interface Preference {
  /** The pair of a row; none where required columns or messages are empty. `where` names the row in errors. */
  render(row: Row, where: string): RenderedPair | undefined
  /** What comes before an answer; the answers' columns may be missing. Empty where the template has no prompt. */
  renderPrompt(row: Row, where: string): string
  /** An answer as the template writes the preferred one. Throws UserError where that takes more than one column. */
  renderAnswer(text: string): string
}

/**
 * Compiles a template of two answers.
 *
 * @param tokens what chat templates write; others need none
 * @throws UserError where it is malformed; on rendering, for a margin that is no number and messages that are no replies
 */
export const compilePreference = (source: PairTemplate, tokens?: ControlTokens): Preference =>
  isConversing(source) ? compileReplies(source, tokens) : compileAnswers(source)

function compileAnswers(source: PreferenceTemplate): Preference {
  const prompt = source.prompt === undefined ? undefined : compilePart(source.prompt, 'prompt')
  const chosen = compilePart(source.chosen, 'chosen')
  const rejected = compilePart(source.rejected, 'rejected')
  const marginOf = compileMargin(source.margin)
  return {
    render(row, where) {
      if (!(source.requires ?? []).every((column) => isFilled(row[column]))) return undefined
      const answers = {
        chosen: chosen.render(nullAsEmpty(row, chosen), where),
        rejected: rejected.render(nullAsEmpty(row, rejected), where),
        margin: marginOf(row, where),
      }
      if (prompt) return { prompt: [prompt.render(row, where)], ...answers }
      const shared = commonBeginning(answers.chosen, answers.rejected)
      return {
        prompt: shared === 0 ? [] : [answers.chosen.slice(0, shared)],
        chosen: answers.chosen.slice(shared),
        rejected: answers.rejected.slice(shared),
        margin: answers.margin,
      }
    },
    renderPrompt: (row, where) => prompt?.render(row, where) ?? '',
    renderAnswer(text) {
      const [column, ...others] = chosen.variables
      if (column !== undefined && others.length === 0) return chosen.render({ [column]: text }, 'the answer')
      throw new UserError(
        `the chosen template reads ${chosen.variables.join(', ') || 'no column'}, so that a text alone makes no answer of its form; write answers with a template of one column`,
      )
    },
  }
}

function compileReplies(source: ChatPreferenceTemplate, tokens?: ControlTokens): Preference {
  const turns = compileTurns(source, tokens)
  const marginOf = compileMargin(source.margin)

  function checkReply(
    messages: readonly GivenMessage[],
    before: number,
    column: string,
    where: string,
  ): void {
    if (messages.length === before + 1) return
    throw new UserError(
      `${where}: column "${column}" holds ${messages.length - before} messages after the prompt's; it must be one reply of the assistant`,
    )
  }

  return {
    render(row, where) {
      const given = source.messages === undefined ? [] : turns.read(row, source.messages, where)
      const [preferred, other] = [source.chosen, source.rejected].map((column) => [
        ...given,
        ...turns.read(row, column, where),
      ]) as [GivenMessage[], GivenMessage[]]
      const before = source.messages === undefined ? commonMessages(preferred, other) : given.length
      checkReply(preferred, before, source.chosen, where)
      checkReply(other, before, source.rejected, where)
      const chosen = turns.answered(preferred, where, row)
      const rejected = turns.answered(other, where, row)
      if (!chosen || !rejected) return undefined
      if (chosen.prompt.join('') !== rejected.prompt.join(''))
        throw new UserError(
          `${where}: the chat template writes another prompt before each of the two replies, so that they cannot be compared; give a template that does not`,
        )
      return {
        ...{ prompt: chosen.prompt, chosen: chosen.answer, rejected: rejected.answer },
        margin: marginOf(row, where),
      }
    },
    renderPrompt: (row, where) => promptOf(turns, row, source.messages ?? 'messages', where),
    renderAnswer(text) {
      const said = [
        { role: 'user', content: 'x' },
        { role: 'assistant', content: text },
      ]
      return turns.answered(said, 'the answer', {})?.answer ?? ''
    },
  }
}

/** A number as people and JSON write it, not as JavaScript's `0x10`. */
const DECIMAL = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i

function compileMargin(source: string | undefined): (row: Row, where: string) => number {
  if (source === undefined) return () => 0
  const part = compilePart(source, 'margin')
  return (row, where) => {
    const text = part.render(row, where).trim()
    // As it is kept.
    const margin = DECIMAL.test(text) ? Math.fround(Number(text)) : NaN
    if (Number.isFinite(margin)) return margin
    throw new UserError(`${where}: the margin is ${JSON.stringify(text)}; it must be a number`)
  }
}

/**
 * How many characters both texts begin with, up to the white space before the first word that differs, which belongs to
 * the answers; something is left of either.
 */
function commonBeginning(a: string, b: string): number {
  const most = Math.min(a.length, b.length) - 1
  let common = 0
  while (common < most && a[common] === b[common]) common++
  let end = 0
  for (const { index } of a.matchAll(/\s+/g)) if (index <= common && /\s/.test(b[index]!)) end = index
  return end
}

/** How many messages both conversations begin with; the last of either is not counted. */
function commonMessages(a: readonly GivenMessage[], b: readonly GivenMessage[]): number {
  const most = Math.min(a.length, b.length) - 1
  let common = 0
  while (common < most && JSON.stringify(a[common]) === JSON.stringify(b[common])) common++
  return common
}
