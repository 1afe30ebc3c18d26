/**
 * What operator files share: adding a node, and shape inference and operands of elementwise operators.
 * @module
 */
import type { DType } from '../ir/dtype.ts'
import { isFloat } from '../ir/dtype.ts'
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

/** A value, or a number that takes the dtype of the value beside it. */
export type Operand = Value | number

/** A function of two operands, at least one of which is a value. */
export interface Binary {
  (x: Value, y: Operand): Value
  (x: number, y: Value): Value
}

/** The function of an operator that has two inputs and no attributes. */
export const binary =
  (operator: Operator): Binary =>
  (x: Operand, y: Operand): Value =>
    emit(operator, valuesOf(operator, [x, y]))

/** The operands with every number as a scalar of their values' dtype, which has to hold it. */
export function valuesOf(operator: Operator, operands: readonly Operand[]): readonly Value[] {
  const { graph, dtype } = operands.find((operand) => typeof operand !== 'number')!
  return operands.map((operand) => {
    if (typeof operand !== 'number') return operand
    if (!isFloat(dtype) && !Number.isInteger(operand))
      throw graph.error(operator.name, `${operand} is not of dtype ${dtype}, as the value beside it is`)
    return graph.scalar(operand, dtype)
  })
}

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
