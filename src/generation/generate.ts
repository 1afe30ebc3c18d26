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
  /** Each prompt draws from a stream of its own, so a result does not depend on the prompt's neighbours. */
  readonly seed: number
  /** Number of the first prompt, where a list is generated in several batches; 0 by default. */
  readonly firstRow?: number
  /** Called with every token as it comes; `row` counts from `firstRow`. */
  readonly onToken?: (row: number, token: number) => void
}

/**
 * Continues each prompt.
 *
 * @param prompts token ids, at least one each
 * @param context the model's n_positions
 * @returns the new tokens of each prompt, without the stop token
 * @throws UserError where a prompt is empty or leaves no room for `max_new_tokens`
 */
export async function generate(
  decoder: Decoder,
  prompts: readonly (readonly number[])[],
  context: number,
  options: GenerationOptions,
): Promise<number[][]> {
  const { firstRow = 0 } = options
  checkPrompts(prompts, context, options.max_new_tokens, firstRow)
  const stops = new Set(options.stop_tokens)
  const randoms = prompts.map((_, row) => createRandom(options.seed, 'generate', firstRow + row))
  const generated = prompts.map((): number[] => [])
  const finished = prompts.map(() => false)
  if (prompts.length === 0 || options.max_new_tokens === 0) return generated

  let logits = await decoder.prefill(prompts)
  for (let count = 1; ; count++) {
    const tokens = logits.map((row, i) => {
      if (finished[i]) return 0
      const token = nextToken(row, [...prompts[i]!, ...generated[i]!], options, randoms[i]!)
      if (stops.has(token)) finished[i] = true
      else {
        generated[i]!.push(token)
        options.onToken?.(firstRow + i, token)
      }
      return token
    })
    if (count === options.max_new_tokens || finished.every(Boolean)) return generated
    logits = await decoder.step(tokens)
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
