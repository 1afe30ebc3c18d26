/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { dimSum, formatShape, resolveAxis } from '../ir/shape.ts'
import { emit, number } from './common.ts'
import { split } from './split.ts'

/** y = the inputs joined along an axis. */
export const Concat: Operator = {
  name: 'Concat',
  infer: ({ inputs, attributes, fail }) => {
    const first = inputs[0]!
    const axis = resolveAxis(number(attributes, 'axis', 0), first.shape.length)
    for (const input of inputs) {
      if (input.dtype !== first.dtype) fail(`dtypes differ: ${first.dtype} and ${input.dtype}`)
      const fits =
        input.shape.length === first.shape.length &&
        input.shape.every((dim, i) => i === axis || dim === first.shape[i])
      if (!fits)
        fail(`${formatShape(first.shape)} and ${formatShape(input.shape)} do not join along axis ${axis}`)
    }
    const joined = dimSum(inputs.map((input) => input.shape[axis]!))
    return [{ dtype: first.dtype, shape: first.shape.map((dim, i) => (i === axis ? joined : dim)) }]
  },
  // Each input's gradient is its slice of dy.
  gradient: ({ inputs, attributes }, [dy]) => {
    const axis = resolveAxis(number(attributes, 'axis', 0), inputs[0]!.shape.length)
    let parts: readonly Value[] | undefined
    return inputs.map((_, i) => () => {
      parts ??= split(
        dy!,
        axis,
        inputs.map((input) => input.shape[axis] as number),
      )
      return parts[i]!
    })
  },
}

/** The inputs joined along an axis; a single input is returned as it is. */
export const concat = (inputs: readonly Value[], axis: number): Value =>
  inputs.length === 1 ? inputs[0]! : emit(Concat, inputs, { axis })
