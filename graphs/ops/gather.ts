/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { isFloat, isHalf } from '../ir/dtype.ts'
import { Cast, cast } from './cast.ts'
import { emit, number } from './common.ts'
import { DequantizeLinear, dequantize } from './dequantize_linear.ts'

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
 * Rows of x's first axis: y[i…] = x[indices[i…]], shape [...indices, ...x without its first axis]. Where x is a table of few
 * bits that is widened, the rows alone are, for a table that is widened whole is a second one.
 */
export function gather(x: Value, indices: Value): Value {
  const step = x.graph.producers.get(x)
  if (!step || !('operator' in step)) return rows(x, indices)
  const { operator, inputs, attributes } = step
  const [kept, scales] = inputs as [Value, Value | undefined]
  if (operator === Cast && isFloat(x.dtype) && (isHalf(kept.dtype) || isDequantized(kept)))
    return cast(gather(kept, indices), x.dtype)
  const axis = number(attributes, 'axis', 0)
  if (operator !== DequantizeLinear || axis === 0) return rows(x, indices)
  const along = axis - 1 + indices.shape.length
  return dequantize(rows(kept, indices), rows(scales!, indices), along, number(attributes, 'block_size', 0))
}

const rows = (x: Value, indices: Value): Value => emit(Gather, [x, indices], { axis: 0 })

function isDequantized(x: Value): boolean {
  const step = x.graph.producers.get(x)
  return step !== undefined && 'operator' in step && step.operator === DequantizeLinear
}
