/**
 * Concat, which joins parts, and Split and Slice, which cut them out: each other's gradients.
 * @module
 */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import type { Dim } from '../ir/shape.ts'
import { dimSum, formatShape, resolveAxis } from '../ir/shape.ts'
import { filledLike } from './broadcast.ts'
import { dims, emit, number } from './common.ts'
import { indices } from './constants.ts'
import { dimension, dimensions } from './shape.ts'

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
        outputs.map((output, i) => dys[i] ?? filledLike(0, output)),
        number(attributes, 'axis', 0),
      ),
    undefined,
  ],
}

/** x cut along a (non-negative) axis into parts of given sizes, which may be symbolic. */
export const split = (x: Value, axis: number, sizes: readonly Dim[]): readonly Value[] =>
  x.graph.add(Split, [x, dimensions(x, sizes)], { axis, sizes })

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
      const zeros = (size: number): Value[] => (size === 0 ? [] : [filledLike(0, slice(x!, axis, 0, size))])
      const before = zeros(number(attributes, 'start', 0))
      const after = zeros((x!.shape[axis] as number) - number(attributes, 'end', 0))
      return concat([...before, dy!, ...after], axis)
    },
    undefined,
    undefined,
    undefined,
  ],
}

/** Slice of an axis whose size is a symbol; its gradient is that of both parts. */
const Part: Operator = {
  name: 'Slice',
  unwritten: ['shape'],
  infer: ({ inputs: [x], attributes }) => [{ dtype: x!.dtype, shape: dims(attributes, 'shape') }],
  gradient: 'not differentiable',
}

/**
 * x cut along a (non-negative) axis into two parts of symbolic sizes, wherever it is: the sizes of a Split would be put together on
 * the CPU.
 */
export function cutInTwo(x: Value, axis: number, [first, second]: readonly [Dim, Dim]): [Value, Value] {
  const cut = dimension(x, first)
  const [begin, end, along] = [0, Number.MAX_SAFE_INTEGER, axis].map((i) => indices(x, [i]))
  const part = (from: Value, to: Value, size: Dim) =>
    emit(Part, [x, from, to, along!], { shape: x.shape.with(axis, size) })
  const parts: [Value, Value] = [part(begin!, cut, first), part(cut, end!, second)]
  x.graph.composite({
    name: 'cut_in_two',
    inputs: [x],
    outputs: parts,
    // dx = the parts' gradients joined; a part without a gradient counts as zeros.
    gradient: (dys) => [
      () =>
        concat(
          [0, 1].map((i) => dys[i] ?? filledLike(0, parts[i]!)),
          axis,
        ),
    ],
  })
  return parts
}

/** The elements start … end−1 of a (non-negative) axis of known size. */
export const slice = (x: Value, axis: number, start: number, end: number): Value =>
  emit(Slice, [x, indices(x, [start]), indices(x, [end]), indices(x, [axis])], { axis, start, end })
