/**
 * Shapes at run time, which are whole numbers.
 * @module
 */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import type { Dim, Shape as Dims } from '../ir/shape.ts'
import { emit, number } from './common.ts'
import { indices } from './constants.ts'
import { gather } from './gather.ts'

/** The dimensions start … end−1 of x at run time, int64. */
export const Shape: Operator = {
  name: 'Shape',
  infer: ({ inputs: [x], attributes }) => {
    const start = number(attributes, 'start', 0)
    return [{ dtype: 'int64', shape: [number(attributes, 'end', x!.shape.length) - start] }]
  },
  gradient: 'not differentiable',
}

/** All dimensions of x at run time, int64 [rank]. */
export const shapeOf = (x: Value): Value => emit(Shape, [x])

/** The size of one axis of x at run time, int64 [1]. */
export const sizeAlong = (x: Value, axis: number): Value => emit(Shape, [x], { start: axis, end: axis + 1 })

/** The value of a dimension at run time, int64 [1]: a symbol is read from the first input that has it. */
export function dimension(like: Value, dim: Dim): Value {
  if (typeof dim === 'number') return indices(like, [dim])
  const { input, axis } = like.graph.dimensionSource(dim)
  return sizeAlong(input, axis)
}

/** Single dimensions side by side: Concat as shapes need it. The gradient of Concat at large is a Split, which needs shapes. */
const SideBySide: Operator = {
  name: 'Concat',
  infer: ({ inputs }) => [{ dtype: 'int64', shape: [inputs.length] }],
  // dxᵢ = dyᵢ
  gradient: ({ inputs }, [dy]) => inputs.map((_, i) => () => gather(dy!, indices(dy!, [i]))),
}

/** The values of several dimensions at run time, int64 [dims]. */
export function dimensions(like: Value, dims: Dims): Value {
  if (dims.every((dim) => typeof dim === 'number')) return indices(like, dims)
  const single = dims.map((dim) => dimension(like, dim))
  return single.length === 1 ? single[0]! : emit(SideBySide, single, { axis: 0 })
}

/**
 * The target of a Reshape of x, int64 [rank]: 0 for a symbolic dimension that x has at the same place, −1 for another one, which
 * Reshape works out. Where more are left, the shape of a value that has it: numbers that are put together here are put
 * together on the CPU, on any device.
 */
export function targetShape(x: Value, dims: Dims): Value {
  const kept = dims.map((dim, i) => (typeof dim === 'string' && x.shape[i] === dim ? 0 : dim))
  const inferred = kept.findIndex((dim) => typeof dim === 'string')
  const target = kept.map((dim, i) => (i === inferred ? -1 : dim))
  if (target.every((dim) => typeof dim === 'number')) return indices(x, target)
  const same = x.graph.firstOf(dims)
  if (same) return shapeOf(same)
  const open = dims.findIndex((dim) => typeof dim === 'string')
  return dimensions(
    x,
    dims.map((dim, i) => (i === open ? -1 : dim)),
  )
}
