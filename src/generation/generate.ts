/**
 * Text generation: prompts in, continuations out, token by token.
 * @module
 */
import { UserError } from '../errors.ts'
import { createRandom } from '../random.ts'
import type { Decoder } from './decoder.ts'
import type { SamplingOptions } from './sampling.ts'
import { nextToken } from './sampling.ts'

export interface GenerationOptions extends SamplingOptions {
  readonly max_new_tokens: number
  /** Tokens that end a sequence; the one that does is not part of the result. */
  readonly stop_tokens: readonly number[]
  /** Which ids are tokens of text, by default all; of the others only those that end a sequence are ever written. */
  readonly isText?: (id: number) => boolean
  /** Each prompt draws from a stream of its own, so a result does not depend on the prompt's neighbours. */
  readonly seed: number
  /** Number of the first prompt, where a list is generated in several batches; 0 by default. */
  readonly firstRow?: number
  /** Called with every token as it comes; `row` counts from `firstRow`. */
  readonly onToken?: (row: number, token: number) => void
}

/** What a model wrote after a prompt. */
export interface Continued {
  /** Without the stop token. */
  readonly tokens: number[]
  /** The stop token that ended it; undefined where it was cut off. */
  readonly stop: number | undefined
}

/**
 * Continues each prompt.
 *
 * @param prompts token ids, at least one each
 * @param context most tokens that the model reads
 * @returns the new tokens of each prompt, without the stop token
 * @throws UserError where a prompt is empty or leaves no room for `max_new_tokens`
 */
export async function generate(
  decoder: Decoder,
  prompts: readonly (readonly number[])[],
  context: number,
  options: GenerationOptions,
): Promise<number[][]> {
  const continuations = await continuePrompts(decoder, prompts, context, options)
  return continuations.map(({ tokens }) => tokens)
}

/** The same as {@link generate}, and which token ended each continuation. */
export async function continuePrompts(
  decoder: Decoder,
  prompts: readonly (readonly number[])[],
  context: number,
  options: GenerationOptions,
): Promise<Continued[]> {
  const { firstRow = 0 } = options
  checkPrompts(prompts, context, options.max_new_tokens, firstRow)
  const stops = new Set(options.stop_tokens)
  const randoms = prompts.map((_, row) => createRandom(options.seed, 'generate', firstRow + row))
  const rows = prompts.map((): { tokens: number[]; stop: number | undefined } => ({
    tokens: [],
    stop: undefined,
  }))
  if (prompts.length === 0 || options.max_new_tokens === 0) return rows

  try {
    let logits = await decoder.prefill(prompts)
    const barred = [...logits[0]!.keys()].filter((id) => options.isText?.(id) === false && !stops.has(id))
    /** Which prompts the batch still has: those that are at an end leave it. */
    let going = [...prompts.keys()]
    for (let count = 1; ; count++) {
      const next = going.map((i, at) => {
        const row = rows[i]!
        const scores = logits[at]!
        for (const id of barred) scores[id] = -Infinity
        const token = nextToken(scores, [...prompts[i]!, ...row.tokens], options, randoms[i]!)
        if (stops.has(token)) row.stop = token
        else {
          row.tokens.push(token)
          options.onToken?.(firstRow + i, token)
        }
        return token
      })
      const left = [...going.keys()].filter((at) => rows[going[at]!]!.stop === undefined)
      if (count === options.max_new_tokens || left.length === 0) return rows
      if (left.length < going.length) await decoder.keep(left)
      going = left.map((at) => going[at]!)
      logits = await decoder.step(left.map((at) => next[at]!))
    }
  } finally {
    decoder.forget()
  }
}

/** Throws UserError for the first prompt that is empty or leaves no room for the new tokens. */
export function checkPrompts(
  prompts: readonly (readonly number[])[],
  context: number,
  newTokens: number,
  firstRow = 0,
): void {
  for (const [row, prompt] of prompts.entries()) {
    const name = `prompt ${firstRow + row + 1}`
    if (prompt.length === 0) throw new UserError(`${name} is empty; give at least one token to continue`)
    if (prompt.length + newTokens > context) {
      throw new UserError(
        `${name} has ${prompt.length} tokens and ${newTokens} new ones do not fit the model's context of ${context}; shorten the prompt or lower max_new_tokens`,
      )
    }
  }
}
