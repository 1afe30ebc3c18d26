/**
 * The prompts that a policy is trained on, and their order.
 * @module
 */
import type { ArrowDataset } from '../../data/sets/arrow_reader.ts'
import { allPrompts } from '../../data/examples/prompts_and_references.ts'
import { UserError } from '../../errors.ts'
import { quote } from '../../formats/quote.ts'
import { createRandom } from '../../random.ts'
import type { Tokenizer } from '../../text/tokenizer.ts'

export interface PpoPrompt {
  /** Token ids, at least one. */
  readonly ids: readonly number[]
  readonly text: string
  /** The answers that the data has to it, without end of text. */
  readonly references: readonly string[]
}

export interface PromptLimits {
  /** The model's n_positions. */
  readonly context: number
  readonly max_new_tokens: number
  /** What to do with a prompt that leaves too little room for a response; none is ever cut. */
  readonly overlong: 'error' | 'skip'
}

/**
 * The different prompts of a data set, in order of appearance.
 *
 * @throws UserError where there is none, or where one is too long and `overlong` says so
 */
export function readPrompts(
  dataset: ArrowDataset,
  tokenizer: Tokenizer,
  { context, max_new_tokens, overlong }: PromptLimits,
): PpoPrompt[] {
  const found = allPrompts(dataset, tokenizer.eosId)
  if (found.length === 0)
    throw new UserError('the data has no prompts to respond to; give it a prompt column or a template')
  const fitting = found.filter(({ prompt }) => prompt.length + max_new_tokens <= context)
  const tooLong = found.find(({ prompt }) => prompt.length + max_new_tokens > context)
  if (tooLong && (overlong === 'error' || fitting.length === 0))
    throw new UserError(
      `the prompt ${quote(tokenizer.decode(tooLong.prompt))} has ${tooLong.prompt.length} tokens, which with max_new_tokens ${max_new_tokens} do not fit the model's context of ${context}; ` +
        (fitting.length === 0
          ? 'no prompt does, so shorten them or lower ppo.max_new_tokens'
          : 'shorten it, lower ppo.max_new_tokens, or leave such prompts out with overlong: skip'),
    )
  return fitting.map(({ prompt, references }) => ({
    ids: prompt,
    text: tokenizer.decode(prompt),
    references: references.map((ids) => tokenizer.decode(ids)),
  }))
}

/** Updates in one pass over so many prompts. */
export const updatesPerEpoch = (prompts: number, batchSize: number): number =>
  Math.max(1, Math.floor(prompts / batchSize))

/**
 * The prompts of an update. Each epoch shuffles all of them and leaves out what does not fill a last batch; fewer prompts
 * than a batch are repeated.
 *
 * @param batch the update's number within the epoch, from 0
 */
export function promptsOfUpdate(
  prompts: readonly PpoPrompt[],
  {
    seed,
    epoch,
    batch,
    batchSize,
  }: { readonly seed: number; readonly epoch: number; readonly batch: number; readonly batchSize: number },
): PpoPrompt[] {
  const order = Uint32Array.from(prompts, (_, i) => i)
  createRandom(seed, 'prompt order', epoch).shuffle(order)
  return Array.from({ length: batchSize }, (_, i) => prompts[order[(batch * batchSize + i) % order.length]!]!)
}
