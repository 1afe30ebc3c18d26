/**
 * Completions of prompts, each by itself desirable or undesirable, as of a thumb up or down. Of pairs, the preferred answer
 * is a desirable one, and the other an undesirable one.
 * @module
 */
import { encodeExample } from '../examples/encode.ts'
import type { Encoded, WholeOrCut } from '../examples/encode.ts'
import { layouts } from '../sets/layouts.ts'
import type { Form, MessageForm } from '../templates/form.ts'
import { chat, DEFINITION_PROMPT, holdMessages, instructionPrompt } from '../templates/form.ts'
import { hasPair, isUnpaired } from '../templates/template_source.ts'
import type {
  ChatUnpairedTemplate,
  PairTemplate,
  TemplateSource,
  UnpairedTemplate,
} from '../templates/template_source.ts'
import { compileUnpaired } from '../templates/unpaired.ts'
import type { DataKind } from './kind.ts'
import { orEmpty } from './kind.ts'
import { pairForms, pairMessages, preference } from './preference.ts'

type UnpairedSource = UnpairedTemplate | ChatUnpairedTemplate | PairTemplate

const label = '{{ label }}'

const instruction: Form['template'] = ([request, response], has) => ({
  prompt: instructionPrompt(request!, has),
  completion: ` {{ ${response} }}<|endoftext|>`,
  label,
})

const labelledForms: readonly Form[] = [
  ...['messages', 'conversations'].map((column): Form => ({
    name: `${column}, label`,
    columns: [[column], ['label']],
    template: () => ({ ...chat(column), label }),
  })),
  {
    name: 'prompt, completion, label',
    columns: [['prompt'], ['completion'], ['label']],
    template: () => ({ prompt: '{{ prompt }}', completion: '{{ completion }}<|endoftext|>', label }),
  },
  {
    name: 'instruction, response (or output), label, with or without context (or input)',
    columns: [['instruction'], ['response', 'output'], ['label']],
    template: instruction,
  },
  { name: 'question, answer, label', columns: [['question'], ['answer'], ['label']], template: instruction },
  {
    name: 'word, definition, label',
    columns: [['word'], ['definition'], ['label']],
    template: () => ({ prompt: DEFINITION_PROMPT, completion: ' {{ definition }}<|endoftext|>', label }),
  },
]

const labelledMessages: MessageForm = (row) =>
  holdMessages(row, 'prompt', 'completion') && Object.hasOwn(row, 'label')
    ? { ...chat('prompt', 'completion'), label }
    : undefined

export const unpaired: DataKind<UnpairedSource> = {
  wanted: 'prompt, completion and label (true or false), or chosen and rejected',
  fits: (template: TemplateSource): template is UnpairedSource => isUnpaired(template) || hasPair(template),
  forms: [...labelledForms, ...pairForms],
  messageForms: [labelledMessages, pairMessages],
  precedence: 1,
  layout: layouts.unpaired,
  classified: false,
  stratum(template, tokenizer) {
    if (hasPair(template)) return () => undefined
    const unpaired = compileUnpaired(template, tokenizer)
    return (row, where) => unpaired(row, where)?.desirable.toString()
  },
  encoder(tokenizer, template, options) {
    if (hasPair(template)) {
      const pair = preference.encoder(tokenizer, template, options)
      return (row, where) => pair(row, where).flatMap(unpair)
    }
    const unpaired = compileUnpaired(template, tokenizer)
    return (row, where) => {
      const found = unpaired(row, where)
      if (!found) return orEmpty([])
      const encoded = encodeExample(tokenizer, found.segments, options, where)
      return [encoded.example ? judged(encoded, found.desirable) : encoded]
    }
  },
  writing(template) {
    if (preference.fits(template)) return preference.writing(template)
    if ('user' in template) {
      const { user, assistant, system, messages, replies } = template
      return { user, assistant, system, messages, replies }
    }
    if ('chat_template' in template) {
      const { chat_template, chat_template_kwargs, tools, messages, replies } = template
      return { chat_template, chat_template_kwargs, tools, messages, replies }
    }
    const { prompt, completion } = template
    return { prompt, completion }
  },
}

/** A pair's answers, each by itself. A pair that is left out is so as a whole. */
function unpair(encoded: Encoded): readonly Encoded[] {
  if (!encoded.example || !encoded.rejected) return [encoded]
  return [judged(encoded, true), judged(encoded.rejected, false)]
}

const judged = ({ example: { input_ids, labels }, cut }: WholeOrCut, desirable: boolean): Encoded => ({
  example: { input_ids, labels, desirable },
  cut,
})
