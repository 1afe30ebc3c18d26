/**
 * Whether two rows are what pairs are made of.
 * @module
 */
import { countLabelled, NO_LOSS, promptLength } from './encode.ts'
import type { EncodedExample } from './encode.ts'

/** What is wrong with a pair that was read; undefined where nothing is. */
export function checkPair(chosen: EncodedExample, rejected: EncodedExample): string | undefined {
  const prompt = promptLength(chosen)
  const isAnswer = ({ input_ids, labels }: EncodedExample): boolean =>
    labels.every((label, t) => label === (t < prompt ? NO_LOSS : input_ids[t]))
  if (![chosen, rejected].every((row) => isAnswer(row) && countLabelled(row) > 0))
    return 'rows of no prompt and answer'
  if (chosen.input_ids.subarray(0, prompt).some((id, t) => id !== rejected.input_ids[t])) return 'two prompts'
  if (chosen.input_ids.join() === rejected.input_ids.join()) return 'twice the same answer'
  if (!Number.isFinite(chosen.margin) || chosen.margin !== rejected.margin)
    return 'margins that are no number'
  return undefined
}
