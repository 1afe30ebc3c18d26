/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { expandLike } from './expand.ts'
import { inferReduction, reduce, restoreAxes } from './reduction.ts'

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
