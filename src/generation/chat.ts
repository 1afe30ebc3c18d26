/**
 * A conversation with a model.
 * @module
 */
import { encodeText } from '../data/examples/encode.ts'
import { UserError } from '../errors.ts'
import { createDetokenizer } from '../text/detokenizer.ts'
import type { Answers, ChatForm, Turn } from './chat_form.ts'
import type { TokenGenerator } from './token_generator.ts'
import type { SamplingOptions } from './sampling.ts'

export interface ChatOptions extends SamplingOptions {
  /** By default 100, or half of the context where that is less. */
  readonly max_new_tokens?: number
  readonly seed: number
  /** What the conversation begins with; without one, what the form writes by itself. */
  readonly system?: string | undefined
  /** Called for each turn that no longer fits into a prompt. */
  readonly onForgotten?: () => void
}

export interface Chat {
  readonly form: ChatForm
  /**
   * Replies. Oldest turns are forgotten where the context has no room for them and a whole reply.
   *
   * @param onText takes the reply in pieces as it comes
   * @param signal ends the reply where it is; what has been said so far counts
   * @returns the reply; without white space around it, unless it continues a text
   * @throws UserError where the answers alone leave no room for a reply
   */
  reply(answers: Answers, onText: (piece: string) => void, signal?: AbortSignal): Promise<string>
  /**
   * Replaces the system message, for the replies to come.
   * @throws UserError where the form has no place for one
   */
  setSystem(system: string | undefined): void
  /** Forgets everything said; the system message stays. */
  reset(): void
}

const DEFAULT_NEW_TOKENS = 100

/** Begins a conversation. Replies are drawn from the seed and the number of replies before. */
export function createChat(generator: TokenGenerator, form: ChatForm, options: ChatOptions): Chat {
  const { tokenizer, context } = generator
  const { onForgotten, max_new_tokens: most, system: given, ...sampling } = options
  const wanted = Math.min(most ?? Math.min(DEFAULT_NEW_TOKENS, context >> 1), context - 1)
  let system = checkSystem(form, given)
  let turns: readonly Turn[] = []
  let replies = 0

  const encode = (answers: Answers): number[] =>
    form.prompt(answers, turns, system).flatMap((text) => encodeText(tokenizer, text))

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
      const detokenizer = createDetokenizer(tokenizer)
      let text = ''
      const add = (piece: string) => {
        const fresh = text === '' && form.kind !== 'continuation' ? piece.trimStart() : piece
        text += fresh
        if (fresh !== '') onText(fresh)
      }
      const onToken = (_row: number, token: number) => {
        signal?.throwIfAborted()
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
      if (form.kind === 'conversation') turns = [...turns, { answers, reply }]
      return reply
    },
    setSystem(text) {
      system = checkSystem(form, text)
    },
    reset() {
      turns = []
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
