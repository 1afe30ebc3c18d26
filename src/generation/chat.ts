/**
 * A conversation with a model.
 * @module
 */
import { z } from 'zod'

import { encodeStretches, encodeText, placeAfter } from '../data/examples/encode_stretches.ts'
import { END_MARK, END_OF_TEXT } from '../data/templates/end_of_text.ts'
import { UserError } from '../errors.ts'
import { createDetokenizer } from '../text/detokenizer.ts'
import type { Answers, ChatForm } from './chat_form.ts'
import type { TokenGenerator } from './token_generator.ts'
import type { SamplingOptions } from './sampling.ts'

export const conversationSchema = z.strictObject({
  system: z.string().optional(),
  turns: z.array(z.strictObject({ answers: z.record(z.string(), z.string()), reply: z.string() })),
  /** Replies so far, forgotten ones too; what is drawn for the next one depends on it. */
  replies: z.int().min(0),
  /** What the last reply was to, in tokens, and the white space that it began with. */
  last: z.strictObject({ prompt: z.array(z.int().min(0)), lead: z.string() }).optional(),
})

/** Where a conversation stands. */
export type Conversation = z.infer<typeof conversationSchema>

export const NO_CONVERSATION: Conversation = { turns: [], replies: 0 }

export interface ChatOptions extends SamplingOptions {
  /** By default 100, or half of the context where that is less. */
  readonly max_new_tokens?: number
  readonly seed: number
  /** What the conversation begins with; without one, what the form writes by itself. */
  readonly system?: string | undefined
  /** Called for each turn that no longer fits into a prompt. */
  readonly onForgotten?: () => void
  /** A conversation that goes on. Its system message counts where none is given. */
  readonly begun?: Conversation
}

/** A reply as {@link Chat.reply} gave it, with what it was to. */
export interface Replied {
  /** What the model read: with the turns before, where they count. */
  readonly prompt: string
  readonly prompt_tokens: number
  readonly text: string
  /** Those that the model wrote, without the one that ended it; white space around the text included. */
  readonly tokens: readonly number[]
  /** Whether the model ended it itself. */
  readonly finished: boolean
}

export interface Chat {
  readonly form: ChatForm
  /**
   * Replies. Oldest turns are forgotten where the context has no room for them and a whole reply.
   *
   * @param onText takes the reply in pieces as it comes
   * @param signal ends the reply where it is; what has been said so far counts
   * @returns the reply; its text without white space around it, unless it continues a text
   * @throws UserError where the answers alone leave no room for a reply
   */
  reply(answers: Answers, onText: (piece: string) => void, signal?: AbortSignal): Promise<Replied>
  /**
   * Replaces the system message, for the replies to come.
   * @throws UserError where the form has no place for one
   */
  setSystem(system: string | undefined): void
  /** Forgets everything said; the system message stays. */
  reset(): void
  /** Where it stands, to go on from another time. */
  conversation(): Conversation
  /**
   * Another answer in the place of the last reply, in tokens: what the model would have read and written. Nothing changes yet.
   * @throws UserError where nothing was replied yet
   */
  correction(answer: string): { readonly prompt: readonly number[]; readonly answer: readonly number[] }
  /** Goes on as if the last reply had been this one. */
  replaceReply(reply: string): void
}

const DEFAULT_NEW_TOKENS = 100

/** Begins a conversation. Replies are drawn from the seed and the number of replies before. */
export function createChat(generator: TokenGenerator, form: ChatForm, options: ChatOptions): Chat {
  const { tokenizer, context } = generator
  const { onForgotten, max_new_tokens: most, begun = NO_CONVERSATION, ...others } = options
  const { system: given = begun.system, ...sampling } = others
  const wanted = Math.min(most ?? Math.min(DEFAULT_NEW_TOKENS, context >> 1), context - 1)
  let system = checkSystem(form, given)
  let { turns, replies, last } = begun

  const encode = (answers: Answers): number[] =>
    encodeStretches(tokenizer, form.prompt(answers, turns, system)).flat()

  /** What a reply begins with after a prompt, where none shows it: a blank, unless there is one already. */
  const usualLead = (prompt: readonly number[]): string =>
    form.kind === 'continuation' || /\s$/.test(tokenizer.decode([...prompt])) ? '' : ' '

  /** The prompt with as many turns as fit. */
  function promptOf(answers: Answers): number[] {
    let prompt = encode(answers)
    while (turns.length > 0 && prompt.length + wanted > context) {
      turns = turns.slice(1)
      onForgotten?.()
      prompt = encode(answers)
    }
    if (prompt.length >= context)
      throw new UserError(
        `what was written makes a prompt of ${prompt.length} tokens, which leaves no room for a reply in the model's context of ${context}; write less`,
      )
    return prompt
  }

  return {
    form,
    async reply(answers, onText, signal) {
      const prompt = promptOf(answers)
      const detokenizer = createDetokenizer(tokenizer, prompt)
      let text = ''
      let all = ''
      const add = (piece: string) => {
        all += piece
        const fresh = text === '' && form.kind !== 'continuation' ? piece.trimStart() : piece
        text += fresh
        if (fresh !== '') onText(fresh)
      }
      const tokens: number[] = []
      const onToken = (_row: number, token: number) => {
        signal?.throwIfAborted()
        tokens.push(token)
        add(detokenizer.push(token))
      }
      const max_new_tokens = Math.min(wanted, context - prompt.length)
      try {
        await generator.generate([prompt], { ...sampling, max_new_tokens, firstRow: replies++, onToken })
      } catch (error) {
        if (!signal?.aborted) throw error
      }
      add(detokenizer.flush())
      const reply = form.kind === 'continuation' ? text : text.trimEnd()
      if (form.kind === 'conversation') turns = [...turns, { answers: { ...answers }, reply }]
      last = { prompt, lead: all.trim() === '' ? usualLead(prompt) : /^\s*/.exec(all)![0] }
      const finished = !signal?.aborted && tokens.length < max_new_tokens
      const read = { prompt: tokenizer.decode(prompt), prompt_tokens: prompt.length }
      return { ...read, text: reply, tokens, finished }
    },
    setSystem(text) {
      system = checkSystem(form, text)
    },
    reset() {
      turns = []
      last = undefined
    },
    conversation: () => ({
      ...(system === undefined ? {} : { system }),
      ...{ turns, replies },
      ...(last ? { last } : {}),
    }),
    correction(answer) {
      if (!last) throw new UserError('nothing was answered yet that could be corrected; ask first')
      const text = last.lead + answer.replaceAll(END_OF_TEXT, END_MARK)
      const ids = encodeText(tokenizer, text, placeAfter(tokenizer, last.prompt))
      const ends = form.kind !== 'continuation' && ids.at(-1) !== tokenizer.eosId
      return { prompt: last.prompt, answer: ends ? [...ids, tokenizer.eosId] : ids }
    },
    replaceReply(reply) {
      const turn = turns.at(-1)
      if (turn) turns = [...turns.slice(0, -1), { ...turn, reply }]
    },
  }
}

function checkSystem(form: ChatForm, system: string | undefined): string | undefined {
  if (system !== undefined && !form.takesSystem)
    throw new UserError(
      form.kind === 'conversation'
        ? 'the run learned from no system messages, as its template has no text for them; leave the system message out'
        : 'the model does not answer messages, so it has no place for a system message; leave it out',
    )
  return system
}
