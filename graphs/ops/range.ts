/**
 * 0, 1, 2, … as float32, which is exact to 2²⁴: the sums of ones, for a device has no Range of a size that is found as the graph runs.
 * @module
 */
import type { Value } from '../ir/graph.ts'
import type { Dim } from '../ir/shape.ts'
import { Expand } from './broadcast.ts'
import { emit } from './common.ts'
import { indices } from './constants.ts'
import { cumsum } from './cumsum.ts'
import { sizeAlong } from './shape.ts'

/** 0, 1, …, size−1. [size] `like` is any value of the graph. */
export const range = (like: Value, size: number): Value => counted(size, indices(like, [size]))

/**
 * 0, 1, … along a (non-negative) axis of x, or …, 1, 0 where `fromEnd`. [the size of the axis] A device asks the CPU for the shape
 * of an int64: x is of another type.
 */
export const positions = (x: Value, axis: number, { fromEnd = false } = {}): Value =>
  counted(x.shape[axis]!, sizeAlong(x, axis), fromEnd)

/** @param length the size at run time, int64 [1] */
function counted(size: Dim, length: Value, reverse = false): Value {
  const ones = emit(Expand, [length.graph.scalar(1, 'float32'), length], { shape: [size] })
  return cumsum(ones, 0, { exclusive: true, reverse })
}
