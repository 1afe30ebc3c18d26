/** @module */
import type { TokenGenerator } from './token_generator.ts'
import type { SamplingOptions } from './sampling.ts'

export interface ContinueAllOptions {
  readonly sampling: SamplingOptions
  readonly maxNewTokens: number
  readonly seed: number
  /** Prompts that are continued together. */
  readonly batch: number
  /** Called with the prompts continued so far. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

export interface Answer {
  /** Without the token that ended it. */
  readonly tokens: readonly number[]
  /** Whether the model ended it itself, or it was cut off. */
  readonly ended: boolean
}

/**
 * Continues prompts of any lengths, each by at most `maxNewTokens`, or as many as the context has room for after it. An
 * answer does not depend on the batches: prompts that have less room go apart from the others, and each draws from the
 * stream of its place among all by length.
 *
 * @param prompts token ids, at least one each and fewer than the context holds
 * @returns in the order of the prompts
 */
export async function continueAll(
  generator: TokenGenerator,
  prompts: readonly (readonly number[])[],
  { sampling, maxNewTokens, seed, batch, onProgress }: ContinueAllOptions,
): Promise<Answer[]> {
  const order = [...prompts.keys()].sort((a, b) => prompts[a]!.length - prompts[b]!.length)
  const rooms = order.map((row) => Math.min(maxNewTokens, generator.context - prompts[row]!.length))
  const answers: Answer[] = []
  for (let firstRow = 0, end: number; firstRow < order.length; firstRow = end) {
    const room = rooms[firstRow]!
    end = Math.min(firstRow + batch, rooms.lastIndexOf(room) + 1)
    const rows = order.slice(firstRow, end)
    const generated = await generator.generate(
      rows.map((row) => prompts[row]!),
      { ...sampling, max_new_tokens: room, seed, firstRow },
    )
    for (const [i, tokens] of generated.entries()) answers[rows[i]!] = { tokens, ended: tokens.length < room }
    onProgress?.(end, order.length)
  }
  return answers
}
