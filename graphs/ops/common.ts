/**
 * What operator files share: adding a node, and shape inference and operands of elementwise operators.
 * @module
 */
import type { DType } from '../ir/dtype.ts'
import type { Attributes, Value } from '../ir/graph.ts'
import type { InferenceContext, Operator, TensorType } from '../ir/operator.ts'
import type { Shape } from '../ir/shape.ts'
import { broadcastShapes, formatShape } from '../ir/shape.ts'

/** Adds a node with one output. */
export function emit(operator: Operator, inputs: readonly Value[], attributes?: Attributes): Value {
  return inputs[0]!.graph.add(operator, inputs, attributes)[0]!
}

/** The function of an operator that has one input and no attributes. */
export const unary =
  (operator: Operator) =>
  (x: Value): Value =>
    emit(operator, [x])

/** The function of an operator that has two inputs and no attributes. */
export const binary =
  (operator: Operator) =>
  (x: Value, y: Value): Value =>
    emit(operator, [x, y])

/** One input, one output of the same type. */
export const inferUnary = ({ inputs: [x] }: InferenceContext): readonly TensorType[] => [
  { dtype: x!.dtype, shape: x!.shape },
]

/** Two inputs of one dtype, numpy broadcasting; `dtype` overrides the result's dtype (comparisons). */
export const inferBinary =
  (dtype?: DType) =>
  ({ inputs, fail }: InferenceContext): readonly TensorType[] => {
    const [x, y] = inputs as [Value, Value]
    if (x.dtype !== y.dtype) fail(`dtypes differ: ${x.dtype} and ${y.dtype}`)
    const shape =
      broadcastShapes(x.shape, y.shape) ??
      fail(`shapes do not broadcast: ${formatShape(x.shape)} and ${formatShape(y.shape)}`)
    return [{ dtype: dtype ?? x.dtype, shape }]
  }

/** A list attribute. */
export const dims = (attributes: Attributes, name: string): Shape => attributes[name] as Shape

/** A number attribute. */
export const number = (attributes: Attributes, name: string, fallback: number): number =>
  (attributes[name] as number | undefined) ?? fallback
