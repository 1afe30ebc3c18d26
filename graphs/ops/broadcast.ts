/**
 * Expand and ReduceSum, each other's gradient: what broadcasting repeats, its gradient sums.
 * @module
 */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import type { Dim, Shape } from '../ir/shape.ts'
import { broadcastShapes, formatShape, sameShape } from '../ir/shape.ts'
import { widened } from './cast.ts'
import { dims, emit } from './common.ts'
import { indices, scalarLike } from './constants.ts'
import { inferReduction, reduce, restoreAxes } from './reduction.ts'
import { dimensions, shapeOf } from './shape.ts'

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
  gradient: ({ inputs: [x] }, [dy]) => [() => sumToShape(dy!, x!), undefined],
}

/** x broadcast to the shape of `like`, whatever that is at run time. */
export function expandLike(x: Value, like: Value): Value {
  const known = like.shape.every((dim: Dim) => typeof dim === 'number')
  const shape = known ? indices(x, like.shape) : shapeOf(like)
  return sameShape(x.shape, like.shape) ? x : emit(Expand, [x, shape], { shape: like.shape })
}

/** A tensor of `like`'s shape and dtype whose elements are all one number. */
export const filledLike = (number: number, like: Value): Value => expandLike(scalarLike(like, number), like)

/** x broadcast to a shape, whose symbols are read from the graph's inputs at run time. */
export const expand = (x: Value, shape: Shape): Value =>
  sameShape(x.shape, shape) ? x : emit(Expand, [x, dimensions(x, shape)], { shape })

/** y = Σ x over the axes. */
export const ReduceSum: Operator = {
  name: 'ReduceSum',
  unwritten: ['axes'],
  infer: inferReduction,
  // ∂y/∂x = 1: dy is spread over the reduced axes
  gradient: (node, [dy]) => [() => expandLike(restoreAxes(dy!, node), node.inputs[0]!), undefined],
}

/** y = Σ x over the axes. Axes may count from the end. */
export const reduceSum = (x: Value, axes: readonly number[], keepdims = true): Value =>
  reduce(ReduceSum, x, axes, keepdims)

/**
 * The gradient of broadcasting, for every operator that broadcasts: sums `gradient` over the axes along which a tensor of
 * `like`'s shape was broadcast. Of 16 bits the sum is one of float32, for autodiff to round.
 */
export function sumToShape(gradient: Value, like: Value): Value {
  if (sameShape(gradient.shape, like.shape)) return gradient
  const added = gradient.shape.length - like.shape.length
  const leading = Array.from({ length: added }, (_, axis) => axis)
  const terms = widened(gradient)
  const summed = leading.length === 0 ? terms : reduceSum(terms, leading, false)
  const stretched = like.shape.flatMap((dim, axis) => (dim === 1 && summed.shape[axis] !== 1 ? [axis] : []))
  return stretched.length === 0 ? summed : reduceSum(summed, stretched, true)
}
