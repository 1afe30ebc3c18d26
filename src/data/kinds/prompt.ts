/**
 * Prompts to answer; the data may hold an answer to compare with.
 * @module
 */
import { encodePrompt } from '../examples/encode.ts'
import { layouts } from '../sets/layouts.ts'
import type { Form, MessageForm } from '../templates/form.ts'
import { chat, DEFINITION_PROMPT, holdMessages, instructionPrompt } from '../templates/form.ts'
import type { PromptSource } from '../templates/prompt.ts'
import { compilePrompts } from '../templates/prompt.ts'
import type { TemplateSource } from '../templates/template_source.ts'
import { isSft } from '../templates/template_source.ts'
import { column } from '../templates/template_part.ts'
import type { DataKind } from './kind.ts'
import { orEmpty } from './kind.ts'
import { pairForms, pairMessages, preference } from './preference.ts'
import { completionForms, completionMessages, sft } from './sft.ts'
import { unpaired } from './unpaired.ts'

const promptForms: readonly Form[] = [
  { name: 'prompt', columns: [['prompt']], template: () => ({ prompt: '{{ prompt }}' }) },
  ...['instruction', 'question'].map((column): Form => ({
    name: column,
    columns: [[column]],
    template: ([request], has) => ({ prompt: instructionPrompt(request!, has) }),
  })),
  { name: 'word', columns: [['word']], template: () => ({ prompt: DEFINITION_PROMPT }) },
]

const promptMessages: MessageForm = (row) => (holdMessages(row, 'prompt') ? chat('prompt') : undefined)

const hasPrompt = (template: TemplateSource): template is PromptSource =>
  'length' in template ? !template.some((one) => 'text' in one) : !('text' in template)

export const prompt: DataKind<PromptSource> = {
  wanted: 'a prompt, with or without a completion',
  fits: hasPrompt,
  forms: [...completionForms, ...pairForms, ...promptForms],
  messageForms: [pairMessages, completionMessages, promptMessages],
  precedence: 4,
  guess: ({ texts: [first] }) => first && { prompt: column(first.name) },
  layout: layouts.single,
  classified: false,
  prompts: true,
  encoder(tokenizer, template, options) {
    const prompts = compilePrompts(template, tokenizer)
    return (row, where) =>
      orEmpty(prompts(row, where).map((one) => encodePrompt(tokenizer, one, options, where)))
  },
  writing(template) {
    if (preference.fits(template)) return preference.writing(template)
    if (isSft(template)) return sft.writing(template)
    if (unpaired.fits(template)) return unpaired.writing(template)
    return { prompt: template.prompt, completion: '' }
  },
}
