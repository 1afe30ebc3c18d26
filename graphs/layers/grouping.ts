/**
 * Heads of queries that share one of keys and values. Ainslie et al.: GQA (2023).
 * @module
 */
import type { Value } from '../ir/graph.ts'
import { dimProduct } from '../ir/shape.ts'
import { reshape } from '../ops/index.ts'

export interface Grouping {
  /** [batch, heads, queries, n] as [batch, kv_heads, group·queries, n] */
  readonly joined: (x: Value) => Value
  /** And back. */
  readonly parted: (x: Value) => Value
}

/**
 * The queries of a group taken for more queries of one head, so that keys and values are not copied, and a matrix product sums their
 * gradients over the group. Head h reads keys and values of the head ⌊h / group⌋, as in transformers. With as many heads on either side
 * nothing is done.
 *
 * @param q [batch, heads, queries, head_size]
 * @param k [batch, kv_heads, keys, head_size]
 */
export function grouping(q: Value, k: Value): Grouping {
  const [batch, heads, queries] = q.shape as [string, number, string]
  const kvHeads = k.shape[1] as number
  const together = dimProduct([heads / kvHeads, queries])
  return {
    joined: (x) => (heads === kvHeads ? x : reshape(x, [batch, kvHeads, together, x.shape[3]!])),
    parted: (x) => (heads === kvHeads ? x : reshape(x, [batch, heads, queries, x.shape[3]!])),
  }
}
