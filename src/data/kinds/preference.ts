/**
 * Pairs of answers to a prompt, of which one is preferred.
 * @module
 */
import { encodePair } from '../examples/encode.ts'
import { layouts } from '../sets/layouts.ts'
import type { Form, HasColumn, MessageForm } from '../templates/form.ts'
import { DEFINITION_PROMPT, holdMessages, instructionPrompt, ROLES } from '../templates/form.ts'
import { compilePreference } from '../templates/preference.ts'
import type { PairTemplate } from '../templates/template_source.ts'
import { hasPair } from '../templates/template_source.ts'
import type { DataKind } from './kind.ts'
import { orEmpty } from './kind.ts'

/** Two answers, after what the prompt leaves to them: nothing, or a blank. */
const answers = ([chosen, rejected]: readonly (string | undefined)[], before: string, has: HasColumn) => ({
  chosen: `${before}{{ ${chosen} }}<|endoftext|>`,
  rejected: `${before}{{ ${rejected} }}<|endoftext|>`,
  ...(has('margin') ? { margin: '{{ margin }}' } : {}),
})

/** Each with or without a column `margin`. */
export const pairForms: readonly Form[] = [
  {
    name: 'prompt, chosen, rejected',
    columns: [['prompt'], ['chosen'], ['rejected']],
    template: ([, ...both], has) => ({ prompt: '{{ prompt }}', ...answers(both, '', has) }),
  },
  ...[
    ['instruction', 'chosen', 'rejected'],
    ['question', 'chosen', 'rejected'],
    ['Question', 'More_Prefered', 'Less_Prefered'],
  ].map((columns): Form => ({
    name: columns.join(', '),
    columns: columns.map((column) => [column]),
    template: ([request, ...both], has) => ({
      prompt: instructionPrompt(request!, has),
      ...answers(both, ' ', has),
    }),
  })),
  {
    name: 'word, chosen, rejected',
    columns: [['word'], ['chosen'], ['rejected']],
    template: ([, ...both], has) => ({ prompt: DEFINITION_PROMPT, ...answers(both, ' ', has) }),
  },
  {
    name: 'chosen, rejected (which begin with the same prompt)',
    columns: [['chosen'], ['rejected']],
    template: (both, has) => answers(both, '', has),
  },
]

export const pairMessages: MessageForm = (row) =>
  holdMessages(row, 'chosen', 'rejected')
    ? {
        ...ROLES,
        ...(holdMessages(row, 'prompt') ? { messages: 'prompt' } : {}),
        chosen: 'chosen',
        rejected: 'rejected',
        ...(Object.hasOwn(row, 'margin') ? { margin: '{{ margin }}' } : {}),
      }
    : undefined

export const preference: DataKind<PairTemplate> = {
  wanted: 'chosen and rejected, and a prompt unless both begin with it',
  fits: hasPair,
  forms: pairForms,
  messageForms: [pairMessages],
  precedence: 0,
  layout: layouts.pairs,
  classified: false,
  encoder(tokenizer, template, options) {
    const preference = compilePreference(template, tokenizer)
    return (row, where) => {
      const pair = preference.render(row, where)
      return orEmpty(pair ? [encodePair(tokenizer, pair, options, where)] : [])
    }
  },
  /** The preferred answer. */
  writing(template) {
    if ('user' in template) {
      const { user, assistant, system, messages } = template
      return { user, assistant, system, messages }
    }
    if ('chat_template' in template) {
      const { chat_template, chat_template_kwargs, tools, messages } = template
      return { chat_template, chat_template_kwargs, tools, messages }
    }
    const { prompt, chosen } = template
    return prompt === undefined ? { text: chosen } : { prompt, completion: chosen }
  },
}
