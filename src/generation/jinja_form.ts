/**
 * Conversations as a model's own chat template writes them, as `apply_chat_template` of transformers does.
 * @module
 */
import { Template } from '@huggingface/jinja'

import { END_MARK, END_OF_TEXT } from '../data/templates/end_of_text.ts'
import { UserError } from '../errors.ts'
import { shortenSentence } from '../quote.ts'
import { renderBounded } from './bounded_jinja.ts'
import type { ChatForm } from './chat_form.ts'

export interface Message {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

/** Renders messages, and after them what begins a reply. END_MARK stands for the end of text. */
export type RenderMessages = (messages: readonly Message[], opensReply: boolean) => string

/**
 * Compiles a chat template.
 *
 * @param tokens the special tokens that it may write; `eos_token` is the end of text
 * @throws UserError where it does not compile; on rendering, where it refuses the messages or fails
 */
export function compileJinja(source: string, tokens: Readonly<Record<string, string>>): RenderMessages {
  const end = tokens['eos_token'] ?? END_OF_TEXT
  const marked = (text: string): string => text.replaceAll(end, END_MARK)
  const fails = (error: unknown): UserError => {
    const reason = (error as Error).message.replace(/\s+/g, ' ').trim()
    return new UserError(
      `the model's chat template fails: ${shortenSentence(reason, 200)}; train on messages, or continue plain text with "ortune generate"`,
    )
  }
  let template: Template
  try {
    checkSize(source)
    template = new Template(marked(source))
  } catch (error) {
    throw fails(error)
  }
  const variables = Object.fromEntries(Object.entries(tokens).map(([name, token]) => [name, marked(token)]))
  return (messages, add_generation_prompt) => {
    try {
      return renderBounded(template, { ...variables, messages, add_generation_prompt })
    } catch (error) {
      throw fails(error)
    }
  }
}

/** Characters of a template, and blanks in a row, for whose number the library takes quadratic time. */
const [MOST_CHARACTERS, MOST_BLANKS] = [100_000, 1000]

function checkSize(source: string): void {
  if (source.length > MOST_CHARACTERS) throw new Error(`it is longer than ${MOST_CHARACTERS} characters`)
  if (source.split(/\S+/).some(({ length }) => length > MOST_BLANKS))
    throw new Error(`it has more than ${MOST_BLANKS} blanks in a row`)
}

/** The form of a model's own chat template. It writes a system message where one is given, or its own where it has one. */
export function jinjaForm(render: RenderMessages): ChatForm {
  return {
    questions: [{ name: 'you', optional: false }],
    kind: 'conversation',
    takesSystem: true,
    prompt({ you }, before, system) {
      const messages: Message[] = [
        ...(system === undefined ? [] : [{ role: 'system', content: system } as const]),
        ...before.flatMap(({ answers, reply }) => [
          { role: 'user', content: answers['you']! } as const,
          { role: 'assistant', content: reply } as const,
        ]),
        { role: 'user', content: you! },
      ]
      return [render(messages, true)]
    },
  }
}
