/**
 * What an operator must bring: shape inference and a gradient. There is no operator without a word on its
 * gradient; the type does not allow it.
 * @module
 */
import type { DType } from './dtype.ts'
import type { Attributes, Contribution, Node, Value } from './graph.ts'
import type { Shape } from './shape.ts'

export interface TensorType {
  readonly dtype: DType
  readonly shape: Shape
}

export interface InferenceContext {
  readonly inputs: readonly Value[]
  readonly attributes: Attributes
  /** Ends the building with an error that names the operation and its scope. */
  readonly fail: (reason: string) => never
}

/**
 * A gradient rule gives one thunk per input, or undefined where the input has no gradient. A thunk is called
 * only where its gradient is wanted, so a frozen weight costs no node.
 */
export type GradientRule = (
  node: Node,
  outputGradients: readonly (Value | undefined)[],
) => readonly (undefined | (() => Contribution | readonly Contribution[]))[]

export interface Operator {
  /** The ONNX operator type. */
  readonly name: string
  /** Attributes that ONNX takes as constant inputs: known while building, not written as attributes. */
  readonly unwritten?: readonly string[]
  /** Attributes that ONNX types as floats; other numbers are whole. */
  readonly floats?: readonly string[]
  /** Whether ONNX lets outputs that nobody uses be left out; where it does not, they are written all the same. */
  readonly optionalOutputs?: true
  readonly infer: (context: InferenceContext) => readonly TensorType[]
  /** `not differentiable`: an error where a gradient would have to flow through. */
  readonly gradient: GradientRule | 'not differentiable'
}
