/**
 * Texts to learn: to write a completion, what the assistant says, or on from a text.
 * @module
 */
import { encodeExample } from '../examples/encode.ts'
import { layouts } from '../sets/layouts.ts'
import type { Form, MessageForm } from '../templates/form.ts'
import { chat, DEFINITION_PROMPT, holdMessages, instructionPrompt } from '../templates/form.ts'
import { compileTemplate } from '../templates/template.ts'
import type { SftTemplate } from '../templates/template_source.ts'
import { isSft } from '../templates/template_source.ts'
import { column } from '../templates/template_part.ts'
import type { DataKind } from './kind.ts'
import { orEmpty } from './kind.ts'

const instruction: Form['template'] = ([request, response], has) => ({
  prompt: instructionPrompt(request!, has),
  completion: ` {{ ${response} }}<|endoftext|>`,
})

const dictionary: Form['template'] = (_, has) => {
  const definition = { prompt: DEFINITION_PROMPT, completion: ' {{ definition }}<|endoftext|>' }
  const example = { prompt: 'Word: {{ word }} ; Example:', completion: ' {{ example }}<|endoftext|>' }
  return has('example') ? [definition, { ...example, requires: ['example'] }] : definition
}

/** Texts after a prompt. */
export const completionForms: readonly Form[] = [
  { name: 'messages', columns: [['messages']], template: () => chat('messages') },
  { name: 'conversations', columns: [['conversations']], template: () => chat('conversations') },
  {
    name: 'prompt, completion',
    columns: [['prompt'], ['completion']],
    template: () => ({ prompt: '{{ prompt }}', completion: '{{ completion }}<|endoftext|>' }),
  },
  {
    name: 'instruction, response (or output), with or without context (or input)',
    columns: [['instruction'], ['response', 'output']],
    template: instruction,
  },
  { name: 'question, answer', columns: [['question'], ['answer']], template: instruction },
  {
    name: 'word, definition, with or without example',
    columns: [['word'], ['definition']],
    template: dictionary,
  },
]

export const completionMessages: MessageForm = (row) =>
  holdMessages(row, 'prompt', 'completion') ? chat('prompt', 'completion') : undefined

export const sft: DataKind<SftTemplate> = {
  wanted: 'prompt and completion, or text alone',
  fits: isSft,
  forms: [
    ...completionForms,
    { name: 'text', columns: [['text']], template: () => ({ text: '{{ text }}<|endoftext|>' }) },
  ],
  messageForms: [completionMessages],
  precedence: 3,
  guess({ texts }) {
    const [first, ...others] = texts
    const last = others.at(-1)
    if (!first) return undefined
    if (!last) return { text: `${column(first.name)}<|endoftext|>` }
    return { prompt: column(first.name), completion: ` ${column(last.name)}<|endoftext|>` }
  },
  layout: layouts.single,
  classified: false,
  encoder(tokenizer, template, options) {
    const compiled = compileTemplate(template, tokenizer)
    return (row, where) =>
      orEmpty(
        compiled.render(row, where).map((segments) => encodeExample(tokenizer, segments, options, where)),
      )
  },
  writing: (template) => ('length' in template ? template[0] : template),
}
