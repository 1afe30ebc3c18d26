/**
 * What a case of an operator is: inputs, the graph, and what a few lines of TypeScript say comes out.
 * @module
 */
import type { HostType } from '../../../graphs/ir/dtype.ts'
import type { Value } from '../../../graphs/ir/graph.ts'
import type { Shape } from '../../../graphs/ir/shape.ts'
import type { Tensor } from '../tensor.ts'

export interface OperatorCase {
  readonly title: string
  readonly inputs: readonly Tensor[]
  /** float64 where absent. */
  readonly dtypes?: readonly HostType[]
  /** The shapes as the graph declares them, where they have symbolic dimensions. */
  readonly shapes?: readonly Shape[]
  readonly build: (...inputs: Value[]) => Value | readonly Value[]
  readonly expected: (...inputs: Tensor[]) => Tensor | readonly Tensor[]
  /** Which inputs to differentiate by; every float64 input where absent. */
  readonly differentiable?: readonly number[]
}
