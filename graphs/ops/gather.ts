/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { isFloat, isHalf } from '../ir/dtype.ts'
import { Cast, cast } from './cast.ts'
import { emit, number } from './common.ts'
import { resolveAxis } from '../ir/shape.ts'
import { DequantizeLinear, dequantize } from './dequantize_linear.ts'

/** y[i…] = x[indices[i…]]: rows of the first axis, or, without a gradient, of another. */
export const Gather: Operator = {
  name: 'Gather',
  infer: ({ inputs, attributes, fail }) => {
    const [x, rows] = inputs as [Value, Value]
    if (rows.dtype !== 'int64' && rows.dtype !== 'int32')
      fail(`indices must be whole numbers, got ${rows.dtype}`)
    if (x.shape.length === 0) fail('a scalar has no rows')
    const axis = resolveAxis(number(attributes, 'axis', 0), x.shape.length)
    return [{ dtype: x.dtype, shape: [...x.shape.slice(0, axis), ...rows.shape, ...x.shape.slice(axis + 1)] }]
  },
  // dx: the rows of dy are added to the rows they were taken from.
  gradient: ({ inputs: [, rows], attributes }, [dy]) => {
    if (number(attributes, 'axis', 0) !== 0)
      throw new Error('Gather is differentiated along its first axis only')
    return [() => ({ indices: rows!, updates: dy! }), undefined]
  },
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

/** Entries of one axis: y[…, i, …] = x[…, indices[i], …]; not differentiable but along the first. */
export const gatherAlong = (x: Value, indices: Value, axis: number): Value =>
  emit(Gather, [x, indices], { axis })

const rows = (x: Value, indices: Value): Value => emit(Gather, [x, indices], { axis: 0 })

function isDequantized(x: Value): boolean {
  const step = x.graph.producers.get(x)
  return step !== undefined && 'operator' in step && step.operator === DequantizeLinear
}
