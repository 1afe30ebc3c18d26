/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { div, mul } from './arithmetic.ts'
import { reduceSum } from './broadcast.ts'
import { cast } from './cast.ts'
import { dims } from './common.ts'
import { equal } from './comparison.ts'
import { inferReduction, reduce, restoreAxes } from './reduction.ts'

/** y = max of x over the axes. */
export const ReduceMax: Operator = {
  name: 'ReduceMax',
  unwritten: ['axes'],
  infer: inferReduction,
  // ∂y/∂x = [x = y], shared equally among equal maxima
  gradient: (node, [dy]) => [
    () => {
      const chosen = cast(equal(node.inputs[0]!, restoreAxes(node.outputs[0]!, node)), dy!.dtype)
      const count = reduceSum(chosen, dims(node.attributes, 'axes') as number[])
      return mul(div(chosen, count), restoreAxes(dy!, node))
    },
    undefined,
  ],
}

/** y = max of x over the axes. Axes may count from the end. */
export const reduceMax = (x: Value, axes: readonly number[], keepdims = true): Value =>
  reduce(ReduceMax, x, axes, keepdims)
