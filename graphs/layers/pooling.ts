/**
 * One vector for a sequence, from the hidden states of its tokens.
 * @module
 */
import type { Value } from '../ir/graph.ts'
import { cast, div, matmul, reduceSum, reshape, unsqueeze, widened } from '../ops/index.ts'

/** `last`: the last real token's state. `mean`: the mean over the real tokens. */
export const poolings = ['last', 'mean'] as const
export type Pooling = (typeof poolings)[number]

/**
 * y[b] = Σₜ mask[b, t]·h[b, t] / Σₜ mask[b, t].
 *
 * @param hidden [batch*sequence, width]
 * @param attentionMask int64 [batch, sequence], 1 at tokens and 0 at padding
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
