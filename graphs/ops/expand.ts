/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import type { Dim, Shape } from '../ir/shape.ts'
import { broadcastShapes, formatShape, sameShape } from '../ir/shape.ts'
import { dims, emit } from './common.ts'
import { indices } from './constants.ts'
import { dimensions, shapeOf } from './shape.ts'
import { sumToShape } from './sum_to_shape.ts'

/** y = x broadcast to a shape. */
export const Expand: Operator = {
  name: 'Expand',
  unwritten: ['shape'],
  infer: ({ inputs: [x], attributes, fail }) => {
    const shape = dims(attributes, 'shape')
    const broadcast = broadcastShapes(x!.shape, shape)
    if (!broadcast || !sameShape(broadcast, shape)) {
      fail(`${formatShape(x!.shape)} does not broadcast to ${formatShape(shape)}`)
    }
    return [{ dtype: x!.dtype, shape }]
  },
  // Broadcasting repeats, so its gradient sums.
  gradient: ({ inputs: [x] }, [dy]) => [() => sumToShape(dy!, x!), undefined],
}

/** x broadcast to the shape of `like`, whatever that is at run time. */
export function expandLike(x: Value, like: Value): Value {
  const known = like.shape.every((dim: Dim) => typeof dim === 'number')
  const shape = known ? indices(x, like.shape) : shapeOf(like)
  return sameShape(x.shape, like.shape) ? x : emit(Expand, [x, shape], { shape: like.shape })
}

/** x broadcast to a shape, whose symbols are read from the graph's inputs at run time. */
export const expand = (x: Value, shape: Shape): Value =>
  sameShape(x.shape, shape) ? x : emit(Expand, [x, dimensions(x, shape)], { shape })
