/**
 * The gradient of broadcasting, in one place: sums a gradient back to the shape of the tensor that was broadcast.
 * @module
 */
import type { Value } from '../ir/graph.ts'
import { sameShape } from '../ir/shape.ts'
import { reduceSum } from './reduce_sum.ts'

/** Sums `gradient` over the axes along which a tensor of `like`'s shape was broadcast. */
export function sumToShape(gradient: Value, like: Value): Value {
  if (sameShape(gradient.shape, like.shape)) return gradient
  const added = gradient.shape.length - like.shape.length
  const leading = Array.from({ length: added }, (_, axis) => axis)
  const summed = leading.length === 0 ? gradient : reduceSum(gradient, leading, false)
  const stretched = like.shape.flatMap((dim, axis) => (dim === 1 && summed.shape[axis] !== 1 ? [axis] : []))
  return stretched.length === 0 ? summed : reduceSum(summed, stretched, true)
}
