/**
 * Keeping a runtime from computing what the backward pass reads before its gradient is there.
 *
 * A runtime that finds two equal computations does one of them and keeps its result, and it may do a copy at once. So what goes into
 * the copy is x + [Σ dy₀ > 3.4·10³⁸], with the first elements of gradients: equal to x wherever these are finite, yet not known to
 * be, nor before they are there.
 * @module
 */
import type { Value } from '../ir/graph.ts'
import { add, cast, gather, greater } from '../ops/index.ts'

/** Above every float32 but infinity. */
const LARGEST = 3.4e38

/** Whether the sum of the gradients' first elements is infinite, a scalar: false, but not before they are there. */
export const overflow = (gradients: readonly Value[]): Value =>
  greater(gradients.map(first).reduce(add), LARGEST)

/** x, once it is told whether gradients overflow. */
export const after = (x: Value, overflows: Value): Value => add(x, cast(overflows, x.dtype))

/** x again, as something that a runtime computes only when a gradient dy is there, and does not take for x itself. */
export const late = (x: Value, dy: Value): Value => after(x, overflow([dy]))

/** The first element of a tensor, in float32, a scalar. */
function first(x: Value): Value {
  const zero = x.graph.scalar(0, 'int64')
  return cast(
    x.shape.reduce<Value>((part) => gather(part, zero), x),
    'float32',
  )
}
