/** @module */
import { isFloat } from '../ir/dtype.ts'
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { formatShape, sameShape } from '../ir/shape.ts'
import { emit, number } from './common.ts'

/**
 * w = q·s, each block of q along an axis having a scale s of its own; of the type of the scales. Of operator set 21. It is for tensors
 * that are frozen: whole numbers have no gradient, and scales get none.
 */
export const DequantizeLinear: Operator = {
  name: 'DequantizeLinear',
  infer: ({ inputs, attributes, fail }) => {
    const [q, scales] = inputs as [Value, Value]
    if (q.dtype !== 'int4' && q.dtype !== 'int8') fail(`takes int4 or int8, got ${q.dtype}`)
    if (!isFloat(scales.dtype)) fail(`scales must be floats, got ${scales.dtype}`)
    const [axis, block] = [number(attributes, 'axis', 1), number(attributes, 'block_size', 0)]
    const extent = q.shape[axis]
    if (typeof extent !== 'number' || block < 1)
      fail(`the axis ${axis} of ${formatShape(q.shape)} has no blocks`)
    const blocks = q.shape.with(axis, Math.ceil((extent as number) / block))
    if (!sameShape(blocks, scales.shape))
      fail(
        `blocks of ${block} along axis ${axis} want scales ${formatShape(blocks)}, got ${formatShape(scales.shape)}`,
      )
    return [{ dtype: scales.dtype, shape: q.shape }]
  },
  gradient: 'not differentiable',
}

/**
 * w = q·s: q int4 or int8, s of q's shape but for ⌈extent / block⌉ along the axis, of which each is for `block` numbers, the last one
 * for those that are left.
 */
export const dequantize = (q: Value, scales: Value, axis: number, block: number): Value =>
  emit(DequantizeLinear, [q, scales], { axis, block_size: block })
