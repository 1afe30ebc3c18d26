/**
 * A row of columns to what a model is to answer, and the answer in the data to compare with, where there is one.
 * @module
 */
import { compileTurns, readConversation } from './conversation.ts'
import type { ControlTokens } from './jinja.ts'
import { compilePreference } from './preference.ts'
import type { Row } from '../row.ts'
import { isFilled } from './template.ts'
import { compilePart, nullAsEmpty } from './template_part.ts'
import { hasPair, isConversing, isUnpaired } from './template_source.ts'
import type {
  ChatUnpairedTemplate,
  CompletionTemplate,
  ConversationTemplate,
  PairTemplate,
  PromptTemplate,
  UnpairedTemplate,
} from './template_source.ts'
import { compileUnpaired } from './unpaired.ts'

/** END_MARK stands for the end of text. */
export interface RenderedPrompt {
  /** In stretches that are tokenised one by one. */
  readonly prompt: readonly string[]
  /** What a model might say; undefined where the data has nothing. */
  readonly answer: string | undefined
}

/** Templates that have a prompt. Of a list, each gives one. */
export type PromptSource =
  | PromptTemplate
  | CompletionTemplate
  | ConversationTemplate
  | PairTemplate
  | UnpairedTemplate
  | ChatUnpairedTemplate
  | readonly CompletionTemplate[]

/**
 * Compiles a template to its prompts. The answer of a pair is the preferred one, an unpaired one is kept where it is
 * desirable, and that of a conversation is the assistant's last message, if it is the last.
 *
 * @param tokens what chat templates write; others need none
 * @returns renders a row; nothing where required columns or messages are empty. `where` names the row in errors.
 * @throws UserError where the template is malformed
 */
export function compilePrompts(
  source: PromptSource,
  tokens?: ControlTokens,
): (row: Row, where: string) => readonly RenderedPrompt[] {
  if ('length' in source) {
    const each = source.map((one) => compilePrompts(one))
    return (row, where) => each.flatMap((prompts) => prompts(row, where))
  }
  if (hasPair(source)) {
    const preference = compilePreference(source, tokens)
    return (row, where) => {
      const pair = preference.render(row, where)
      return pair ? [{ prompt: pair.prompt, answer: pair.chosen }] : []
    }
  }
  if (isUnpaired(source)) {
    const unpaired = compileUnpaired(source, tokens)
    return (row, where) => {
      const found = unpaired(row, where)
      if (!found) return []
      const texts = found.segments.map(({ text }) => text)
      return [{ prompt: texts.slice(0, -1), answer: found.desirable ? texts.at(-1) : undefined }]
    }
  }
  return isConversing(source) ? conversationPrompts(source, tokens) : textPrompts(source)
}

function textPrompts(source: PromptTemplate | CompletionTemplate) {
  const prompt = compilePart(source.prompt, 'prompt')
  const completion = 'completion' in source ? compilePart(source.completion, 'completion') : undefined
  return (row: Row, where: string): RenderedPrompt[] => {
    if (!(source.requires ?? []).every((column) => isFilled(row[column]))) return []
    const answered = completion?.variables.every((column) => Object.hasOwn(row, column))
    const answer = answered ? completion!.render(nullAsEmpty(row, completion!), where) : undefined
    return [{ prompt: [prompt.render(row, where)], answer }]
  }
}

function conversationPrompts(source: ConversationTemplate, tokens?: ControlTokens) {
  const turns = compileTurns(source, tokens)
  return (row: Row, where: string): RenderedPrompt[] => {
    const { messages } = readConversation(turns, row, source, where)
    if (messages.at(-1)!.role === 'assistant') {
      const answered = turns.answered(messages, where, row)
      return answered ? [answered] : []
    }
    const prompt = turns.prompt(messages, where, row)
    return prompt ? [{ prompt, answer: undefined }] : []
  }
}
