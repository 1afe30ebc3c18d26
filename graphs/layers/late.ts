/** @module */
import type { Value } from '../ir/graph.ts'
import { add, cast, gather, greater } from '../ops/index.ts'

/** Above every float32 but infinity. */
const LARGEST = 3.4e38

/**
 * x again, as something that a runtime computes only when a gradient dy is there, and does not take for x itself:
 * x + [dy₀ > 3.4·10³⁸] with the first element of dy. It equals x wherever gradients are finite. What the backward pass computes
 * from it anew is neither merged with the same computation in the forward pass, nor made at once and kept.
 */
export function late(x: Value, dy: Value): Value {
  const first = dy.shape.reduce<Value>((rows) => gather(rows, dy.graph.scalar(0, 'int64')), dy)
  return add(x, cast(greater(cast(first, 'float32'), LARGEST), x.dtype))
}
