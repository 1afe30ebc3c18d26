/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { formatShape } from '../ir/shape.ts'
import { emit, number } from './common.ts'
import { concat } from './concat.ts'
import { indices, scalarLike } from './constants.ts'
import { expandLike } from './expand.ts'

/** y = the elements start … end−1 of one axis. */
export const Slice: Operator = {
  name: 'Slice',
  unwritten: ['axis', 'start', 'end'],
  infer: ({ inputs: [x], attributes, fail }) => {
    const [axis, start, end] = ['axis', 'start', 'end'].map((name) => number(attributes, name, 0)) as [
      number,
      number,
      number,
    ]
    const size = x!.shape[axis]
    if (typeof size !== 'number' || start < 0 || end > size || start >= end) {
      fail(`[${start}, ${end}) does not lie in axis ${axis} of ${formatShape(x!.shape)}`)
    }
    return [{ dtype: x!.dtype, shape: x!.shape.with(axis, end - start) }]
  },
  // dx = dy between zeros.
  gradient: ({ inputs: [x], attributes }, [dy]) => [
    () => {
      const axis = number(attributes, 'axis', 0)
      const zeros = (size: number): Value[] =>
        size === 0 ? [] : [expandLike(scalarLike(dy!, 0), slice(x!, axis, 0, size))]
      const before = zeros(number(attributes, 'start', 0))
      const after = zeros((x!.shape[axis] as number) - number(attributes, 'end', 0))
      return concat([...before, dy!, ...after], axis)
    },
    undefined,
    undefined,
    undefined,
  ],
}

/** The elements start … end−1 of a (non-negative) axis of known size. */
export const slice = (x: Value, axis: number, start: number, end: number): Value =>
  emit(Slice, [x, indices(x, [start]), indices(x, [end]), indices(x, [axis])], { axis, start, end })
