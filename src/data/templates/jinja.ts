/**
 * Chat templates of transformers: Jinja2 over messages, as `apply_chat_template` renders it, with marks in the text that it gives.
 * @module
 */
import { Template } from '@huggingface/jinja'

import { UserError } from '../../errors.ts'
import { shortenSentence } from '../../quote.ts'
import { anyOf } from '../../text/cached_encoder.ts'
import type { Tokenizer } from '../../text/tokenizer.ts'
import type { Value } from '../row.ts'
import { renderBounded } from './bounded_jinja.ts'
import { CONTROL_MARK, END_MARK, hasMarks, WHOLE_MARK } from './end_of_text.ts'

/** What of a tokenizer a chat template writes: its special tokens, and the names that some have. */
export type ControlTokens = Pick<Tokenizer, 'special' | 'names' | 'eosId'>

/** What a template is given, beside the names of tokens. */
export interface JinjaVariables {
  readonly messages: readonly Value[]
  /** Whether it is to write what begins a reply, after the messages. */
  readonly add_generation_prompt: boolean
  /** Others, such as `tools` and `enable_thinking`. */
  readonly [name: string]: unknown
}

export interface JinjaTemplate {
  /** Whether it says by `{% generation %}` what is the assistant's. */
  readonly tellsReplies: boolean
  /**
   * Renders it. END_MARK stands for the end of text, CONTROL_MARK before other special tokens of the template's own; what looks
   * like one in the variables is text. REPLY_BEGINS and REPLY_ENDS stand where `{% generation %}` does.
   *
   * @throws UserError where the template refuses what it is given, or fails
   */
  render(this: void, variables: JinjaVariables): string
}

/** Where what the assistant says begins and ends; noncharacters, as the other marks are. */
export const [REPLY_BEGINS, REPLY_ENDS] = ['\uFDD3', '\uFDD4'] as const

/** Breaks what looks like a special token in the data; a noncharacter, too. */
const BROKEN = '\uFDD5'

/** The tag, with its signs of white space, which the library takes away. */
const GENERATION = /\{%([-+]?)\s*(end)?generation\s*([-+]?)%\}/g

/** A statement that stands for it: as tags do it takes the line break behind it away, and it writes a mark. */
const markReplies = (source: string): string =>
  source.replace(
    GENERATION,
    (_, before: string, end: string | undefined, after: string) =>
      `{%${before} if true %}${end ? REPLY_ENDS : REPLY_BEGINS}{% endif ${after}%}`,
  )

/**
 * Compiles a chat template.
 *
 * @throws UserError where it does not compile
 */
export function compileJinja(source: string, { special, names, eosId }: ControlTokens): JinjaTemplate {
  const marked = markReplies(source)
  const template = orSentence(() => {
    checkSize(source)
    return new Template(marked)
  })
  const tokens = [...special.keys()]
  const written = tokens.length > 0 ? anyOf(tokens, 'g') : undefined
  const breakTokens = (text: string): string =>
    written ? text.replace(written, (token) => token.replace(/^./su, `$&${BROKEN}`)) : text
  const markTokens = (text: string): string =>
    written
      ? text.replace(written, (token) => (special.get(token) === eosId ? END_MARK : CONTROL_MARK + token))
      : text
  return {
    tellsReplies: marked !== source,
    render(variables) {
      const given = mapTexts(variables, breakTokens)
      const text = orSentence(() => renderBounded(template, { ...names, ...(given as object) }))
      return WHOLE_MARK + markTokens(text).replaceAll(BROKEN, '')
    },
  }
}

/** A value with other texts in it. */
function mapTexts(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === 'string') {
    if (hasMarks(value))
      throw new UserError('a message holds a character of U+FDD0 … U+FDD5, which is no text; remove it')
    return map(value)
  }
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, map))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapTexts(item, map)]))
}

function orSentence<T>(act: () => T): T {
  try {
    return act()
  } catch (error) {
    const reason = (error as Error).message.replace(/\s+/g, ' ').trim()
    throw new UserError(
      `the chat template fails: ${shortenSentence(reason, 200)}; change what it is given, or give another template`,
    )
  }
}

/** Characters of a template, and blanks in a row, for whose number the library takes quadratic time. */
const [MOST_CHARACTERS, MOST_BLANKS] = [100_000, 1000]

function checkSize(source: string): void {
  if (source.length > MOST_CHARACTERS) throw new Error(`it is longer than ${MOST_CHARACTERS} characters`)
  if (source.split(/\S+/).some(({ length }) => length > MOST_BLANKS))
    throw new Error(`it has more than ${MOST_BLANKS} blanks in a row`)
}
