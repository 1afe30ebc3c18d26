/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { emit, number } from './common.ts'
import { indices } from './constants.ts'
import { reshape } from './reshape.ts'

/** y = x with a new axis of size 1. */
export const Unsqueeze: Operator = {
  name: 'Unsqueeze',
  unwritten: ['axis'],
  infer: ({ inputs: [x], attributes, fail }) => {
    const axis = number(attributes, 'axis', 0)
    if (axis < 0 || axis > x!.shape.length) fail(`axis ${axis} is outside rank ${x!.shape.length}`)
    return [{ dtype: x!.dtype, shape: x!.shape.toSpliced(axis, 0, 1) }]
  },
  gradient: ({ inputs: [x] }, [dy]) => [() => reshape(dy!, x!.shape), undefined],
}

/** x with a new axis of size 1 at a (non-negative) place. */
export const unsqueeze = (x: Value, axis: number): Value => emit(Unsqueeze, [x, indices(x, [axis])], { axis })
