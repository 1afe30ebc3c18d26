/**
 * Whether rows are what they must be: two answers of a pair, or an answer that is judged by itself.
 * @module
 */
import { countLabelled, NO_LOSS, promptLength } from './encode.ts'
import type { EncodedExample } from './encode.ts'

/** What is wrong with a pair that was read; undefined where nothing is. */
export function checkPair(chosen: EncodedExample, rejected: EncodedExample): string | undefined {
  const prompt = promptLength(chosen)
  if (![chosen, rejected].every((row) => isAnswer(row, prompt))) return 'rows of no prompt and answer'
  if (chosen.input_ids.subarray(0, prompt).some((id, t) => id !== rejected.input_ids[t])) return 'two prompts'
  if (chosen.input_ids.join() === rejected.input_ids.join()) return 'twice the same answer'
  if (!Number.isFinite(chosen.margin) || chosen.margin !== rejected.margin)
    return 'margins that are no number'
  return undefined
}

/** What is wrong with an answer that was read, and is judged by itself; undefined where nothing is. */
export function checkUnpaired(row: EncodedExample): string | undefined {
  if (!isAnswer(row, promptLength(row))) return 'a row of no prompt and answer'
  if (row.desirable === undefined) return 'a mark that is neither 0 nor 1'
  return undefined
}

/** Whether a row is a prompt of so many tokens, without loss, and something to learn after it, to the end. */
const isAnswer = (row: EncodedExample, prompt: number): boolean =>
  row.labels.every((label, t) => label === (t < prompt ? NO_LOSS : row.input_ids[t])) &&
  countLabelled(row) > 0
