/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { dimProduct } from '../ir/shape.ts'
import { mul } from './arithmetic.ts'
import { expandLike } from './broadcast.ts'
import { scalarLike } from './constants.ts'
import { inferReduction, reduce, reducedDims, restoreAxes } from './reduction.ts'

/** y = mean of x over the axes, whose sizes must be known numbers. */
export const ReduceMean: Operator = {
  name: 'ReduceMean',
  unwritten: ['axes'],
  infer: (context) => {
    const count = dimProduct(reducedDims(context))
    if (typeof count === 'string')
      context.fail(`the number of elements, ${count}, is not known while building`)
    return inferReduction(context)
  },
  // ∂y/∂x = 1/n
  gradient: (node, [dy]) => [
    () => {
      const share = scalarLike(dy!, 1 / (dimProduct(reducedDims(node)) as number))
      return expandLike(mul(restoreAxes(dy!, node), share), node.inputs[0]!)
    },
    undefined,
  ],
}

/** y = mean of x over the axes, whose sizes must be known numbers. Axes may count from the end. */
export const reduceMean = (x: Value, axes: readonly number[], keepdims = true): Value =>
  reduce(ReduceMean, x, axes, keepdims)
