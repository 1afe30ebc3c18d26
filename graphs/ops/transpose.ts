/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { dims, emit } from './common.ts'

/** y = x with its axes permuted: axis i of y is axis perm[i] of x. */
export const Transpose: Operator = {
  name: 'Transpose',
  infer: ({ inputs: [x], attributes, fail }) => {
    const perm = dims(attributes, 'perm') as readonly number[]
    const sorted = [...perm].sort((a, b) => a - b)
    if (perm.length !== x!.shape.length || sorted.some((axis, i) => axis !== i)) {
      fail(`[${perm.join(', ')}] is no permutation of ${x!.shape.length} axes`)
    }
    return [{ dtype: x!.dtype, shape: perm.map((axis) => x!.shape[axis]!) }]
  },
  // The inverse permutation.
  gradient: ({ attributes }, [dy]) => [
    () => {
      const perm = dims(attributes, 'perm') as readonly number[]
      return transpose(
        dy!,
        perm.map((_, axis) => perm.indexOf(axis)),
      )
    },
  ],
}

/** y = x with its axes permuted: axis i of y is axis perm[i] of x. */
export const transpose = (x: Value, perm: readonly number[]): Value => emit(Transpose, [x], { perm })

/** Swaps the last two axes. */
export function swapLast(x: Value): Value {
  const axes = x.shape.map((_, axis) => axis)
  return transpose(x, [...axes.slice(0, -2), axes.at(-1)!, axes.at(-2)!])
}
