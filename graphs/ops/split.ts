/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import type { Dim } from '../ir/shape.ts'
import { dimSum, formatShape } from '../ir/shape.ts'
import { dims, number } from './common.ts'
import { concat } from './concat.ts'
import { scalarLike } from './constants.ts'
import { expandLike } from './expand.ts'
import { dimensions } from './shape.ts'

/** y₀, y₁, … = x cut along an axis into parts of given sizes. */
export const Split: Operator = {
  name: 'Split',
  unwritten: ['sizes'],
  infer: ({ inputs: [x], attributes, fail }) => {
    const axis = number(attributes, 'axis', 0)
    const sizes = dims(attributes, 'sizes')
    if (dimSum(sizes) !== x!.shape[axis]) {
      fail(`axis ${axis} of ${formatShape(x!.shape)} does not divide into ${sizes.join(' + ')}`)
    }
    return sizes.map((part) => ({ dtype: x!.dtype, shape: x!.shape.with(axis, part) }))
  },
  // dx = the parts' gradients joined; a part without a gradient counts as zeros.
  gradient: ({ outputs, attributes }, dys) => [
    () =>
      concat(
        outputs.map((output, i) => dys[i] ?? expandLike(scalarLike(output, 0), output)),
        number(attributes, 'axis', 0),
      ),
    undefined,
  ],
}

/** x cut along a (non-negative) axis into parts of given sizes, which may be symbolic. */
export const split = (x: Value, axis: number, sizes: readonly Dim[]): readonly Value[] =>
  x.graph.add(Split, [x, dimensions(x, sizes)], { axis, sizes })
