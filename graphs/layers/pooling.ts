/**
 * One vector for a sequence, from the hidden states of its tokens.
 * @module
 */
import type { Value } from '../ir/graph.ts'
import {
  add,
  cast,
  div,
  matmul,
  mul,
  positions,
  reduceMax,
  reduceSum,
  reshape,
  unsqueeze,
  widened,
} from '../ops/index.ts'

/** `last`: the last real token's state. `mean`: the mean over the real tokens. */
export const poolings = ['last', 'mean'] as const
export type Pooling = (typeof poolings)[number]

/** The flat index b·sequence of each row's first token, float32 [batch]; `mask` [batch, sequence]. */
export function firstPositions(mask: Value): Value {
  const sequence = add(reduceMax(positions(mask, 1), [0], false), 1)
  return mul(positions(mask, 0), sequence)
}

/**
 * The flat index b·sequence + t of each row's last token: the largest t of those that are marked.
 *
 * @param mask [batch, sequence], 1 at the tokens among which it is and else 0
 * @returns float32 [batch]
 */
export function lastPositions(mask: Value): Value {
  const last = reduceMax(mul(unsqueeze(positions(mask, 1), 0), mask), [1], false)
  return add(firstPositions(mask), last)
}

/**
 * y[b] = Σₜ mask[b, t]·h[b, t] / Σₜ mask[b, t].
 *
 * @param hidden [batch*sequence, width]
 * @param attentionMask [batch, sequence], 1 at tokens and 0 at padding
 * @returns [batch, width]
 */
export function maskedMean(hidden: Value, attentionMask: Value): Value {
  const [batch, sequence] = attentionMask.shape as [string, string]
  const width = hidden.shape[1]!
  const states = widened(hidden)
  const mask = cast(attentionMask, states.dtype)
  const weights = unsqueeze(div(mask, reduceSum(mask, [1])), 1)
  const mean = reshape(matmul(weights, reshape(states, [batch, sequence, width])), [batch, width])
  return cast(mean, hidden.dtype)
}
