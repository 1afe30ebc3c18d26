/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { isFloat, isHalf } from '../ir/dtype.ts'
import { Cast, cast } from './cast.ts'
import { emit } from './common.ts'

/** y[i…] = x[indices[i…]]: rows of the first axis. */
export const Gather: Operator = {
  name: 'Gather',
  infer: ({ inputs, fail }) => {
    const [x, rows] = inputs as [Value, Value]
    if (rows.dtype !== 'int64' && rows.dtype !== 'int32')
      fail(`indices must be whole numbers, got ${rows.dtype}`)
    if (x.shape.length === 0) fail('a scalar has no rows')
    return [{ dtype: x.dtype, shape: [...rows.shape, ...x.shape.slice(1)] }]
  },
  // dx: the rows of dy are added to the rows they were taken from.
  gradient: ({ inputs: [, rows] }, [dy]) => [
    () => ({ indices: cast(rows!, 'int64'), updates: dy! }),
    undefined,
  ],
}

/**
 * Rows of x's first axis: y[i…] = x[indices[i…]], shape [...indices, ...x without its first axis]. Where x is a table of 16-bit
 * floats that are cast, the rows alone are, for a table that is cast whole is a second one.
 */
export function gather(x: Value, indices: Value): Value {
  const step = x.graph.producers.get(x)
  const kept = step && 'operator' in step && step.operator === Cast ? step.inputs[0]! : undefined
  return kept && isHalf(kept.dtype) && isFloat(x.dtype)
    ? cast(gather(kept, indices), x.dtype)
    : emit(Gather, [x, indices], { axis: 0 })
}
