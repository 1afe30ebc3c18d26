/**
 * What the reductions share.
 * @module
 */
import type { Node, Value } from '../ir/graph.ts'
import type { InferenceContext, Operator, TensorType } from '../ir/operator.ts'
import type { Shape } from '../ir/shape.ts'
import { resolveAxis } from '../ir/shape.ts'
import { inFloat32 } from './cast.ts'
import { dims, emit, number } from './common.ts'
import { indices } from './constants.ts'
import { reshape } from './reshape.ts'

/**
 * Adds a reduction over `axes`, which may count from the end. Over none it is x itself (ONNX would reduce them all). Numbers of 16
 * bits are reduced in float32.
 */
export function reduce(operator: Operator, x: Value, axes: readonly number[], keepdims: boolean): Value {
  if (axes.length === 0) return x
  const resolved = axes.map((axis) => resolveAxis(axis, x.shape.length))
  const reduced = (y: Value) =>
    emit(operator, [y, indices(y, resolved)], { axes: resolved, keepdims: keepdims ? 1 : 0 })
  return inFloat32(reduced)(x)
}

export function inferReduction({ inputs: [x], attributes }: InferenceContext): readonly TensorType[] {
  const axes = dims(attributes, 'axes')
  const shape =
    number(attributes, 'keepdims', 1) === 1
      ? x!.shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim))
      : x!.shape.filter((_, axis) => !axes.includes(axis))
  return [{ dtype: x!.dtype, shape }]
}

/** The dimensions that a reduction takes away. */
export const reducedDims = ({ inputs: [x], attributes }: Pick<Node, 'inputs' | 'attributes'>): Shape =>
  dims(attributes, 'axes').map((axis) => x!.shape[axis as number]!)

/** A reduction's output, or its gradient, with the reduced axes back as 1. */
export const restoreAxes = (reduced: Value, { inputs: [x], attributes }: Node): Value =>
  reshape(
    reduced,
    x!.shape.map((dim, axis) => (dims(attributes, 'axes').includes(axis) ? 1 : dim)),
  )
