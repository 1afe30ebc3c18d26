/** @module */
import type { Value } from '../ir/graph.ts'
import { add, concat, cutInTwo, matmul, mul, softmax, swapLast } from '../ops/index.ts'
import { grouping } from './grouping.ts'

/** Keys and values of some positions, each [batch, heads, positions, head_size]. */
export interface KeysAndValues {
  readonly key: Value
  readonly value: Value
}

/**
 * Attention over cached and new positions that never joins them: O = P_past·V_past + P_new·V_new, where
 * [P_past, P_new] = softmax([Q·K_pastᵀ, Q·K_newᵀ]·scale + mask). Only the scores are concatenated; copying the cache
 * itself would cost as much as reading it. There may be fewer heads of keys and values; see {@link grouping}.
 *
 * @param q [batch, heads, queries, head_size]
 * @param mask broadcasts to [batch, heads, queries, past + new]; added to the scores
 * @returns [batch, heads, queries, head_size]
 */
export function cachedAttention(
  q: Value,
  past: KeysAndValues,
  fresh: KeysAndValues,
  mask: Value,
  scale: number,
): Value {
  const { joined, parted } = grouping(q, past.key)
  const scaled = joined(mul(q, scale))
  const scores = concat([matmul(scaled, swapLast(past.key)), matmul(scaled, swapLast(fresh.key))], 3)
  const [onPast, onFresh] = cutInTwo(joined(softmax(add(parted(scores), mask))), 3, [
    past.key.shape[2]!,
    fresh.key.shape[2]!,
  ])
  return parted(add(matmul(onPast, past.value), matmul(onFresh, fresh.value)))
}
