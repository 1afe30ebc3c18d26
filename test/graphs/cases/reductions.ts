/**
 * Operators that work along axes.
 * @module
 */
import type { Value } from '../../../graphs/ir/graph.ts'
import {
  cumsum,
  layerNormalization,
  positions,
  range,
  reduceMax,
  reduceMean,
  reduceSum,
  softmax,
} from '../../../graphs/ops/index.ts'
import type { Tensor } from '../tensor.ts'
import { constant, random, read, tensor } from '../tensor.ts'
import type { OperatorCase } from './case.ts'

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
const mean = (values: readonly number[]): number => sum(values) / values.length

/** Reduces the axes with `f`, keeping them as 1. */
function reduced(f: (values: readonly number[]) => number, x: Tensor, axes: readonly number[]): Tensor {
  const kept = x.shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim))
  const extent = x.shape.map((dim, axis) => (axes.includes(axis) ? dim : 1))
  return tensor(kept, (index) =>
    f(
      tensor(extent, (offset) =>
        read(
          x,
          offset.map((at, axis) => at + index[axis]!),
        ),
      ).data,
    ),
  )
}

const without = ({ shape, data }: Tensor, axes: readonly number[]): Tensor => ({
  shape: shape.filter((_, axis) => !axes.includes(axis)),
  data,
})

function reduction(
  build: (x: Value, axes: readonly number[], keepdims?: boolean) => Value,
  f: (values: readonly number[]) => number,
): OperatorCase[] {
  return [
    {
      title: 'one axis, kept',
      inputs: [random('x', [2, 3])],
      build: (x) => build(x, [1]),
      expected: (x) => reduced(f, x, [1]),
    },
    {
      title: 'one axis counted from the end, dropped',
      inputs: [random('x', [2, 3, 4])],
      build: (x) => build(x, [-2], false),
      expected: (x) => without(reduced(f, x, [1]), [1]),
    },
    {
      title: 'two axes apart, dropped',
      inputs: [random('x', [2, 3, 4])],
      build: (x) => build(x, [0, -1], false),
      expected: (x) => without(reduced(f, x, [0, 2]), [0, 2]),
    },
    {
      title: 'all axes, to a scalar',
      inputs: [random('x', [2, 3])],
      build: (x) => build(x, [0, 1], false),
      expected: (x) => without(reduced(f, x, [0, 1]), [0, 1]),
    },
    {
      title: 'beside a symbolic axis',
      inputs: [random('x', [2, 3])],
      shapes: [['n', 3]],
      build: (x) => build(x, [1], false),
      expected: (x) => without(reduced(f, x, [1]), [1]),
    },
  ]
}

/** Row by row of the last axis. */
function rowwise(f: (row: readonly number[], at: number) => number, x: Tensor): Tensor {
  const size = x.shape.at(-1)!
  const row = (index: readonly number[]) =>
    Array.from({ length: size }, (_, i) => read(x, index.with(index.length - 1, i)))
  return tensor(x.shape, (index) => f(row(index), index.at(-1)!))
}

const softmaxOf = (x: Tensor): Tensor => rowwise((row, at) => Math.exp(row[at]!) / sum(row.map(Math.exp)), x)

const normalised =
  (epsilon: number) =>
  (x: Tensor, weight: Tensor, bias: Tensor): Tensor =>
    rowwise((row, at) => {
      const variance = mean(row.map((value) => (value - mean(row)) ** 2))
      return ((row[at]! - mean(row)) / Math.sqrt(variance + epsilon)) * weight.data[at]! + bias.data[at]!
    }, x)

export const reductionCases = {
  ReduceSum: [
    ...reduction(reduceSum, sum),
    {
      title: 'the symbolic axis itself',
      inputs: [random('x', [4, 3])],
      shapes: [['n', 3]],
      build: (x) => reduceSum(x, [0]),
      expected: (x: Tensor) => reduced(sum, x, [0]),
    },
  ],
  ReduceMean: reduction(reduceMean, mean),
  CumSum: [
    ...[false, true].flatMap((reverse) =>
      [false, true].map((exclusive) => ({
        title: `${exclusive ? 'before' : 'up to'} each place${reverse ? ', from the end' : ''}`,
        inputs: [random('x', [2, 4])],
        shapes: [['n', 'm']],
        build: (x: Value) => cumsum(x, 1, { exclusive, reverse }),
        expected: (x: Tensor) =>
          tensor([2, 4], ([row, column]) => {
            const isBefore = (at: number) => (reverse ? at > column! : at < column!)
            const summed = [0, 1, 2, 3].filter((at) => isBefore(at) || (at === column && !exclusive))
            return sum(summed.map((at) => read(x, [row!, at])))
          }),
      })),
    ),
    {
      title: 'ones: positions, and a range',
      inputs: [random('x', [2, 5])],
      shapes: [['n', 'm']],
      build: (x: Value) => [positions(x, 1), positions(x, 0, { fromEnd: true }), range(x, 3)],
      expected: () => [constant([5], [0, 1, 2, 3, 4]), constant([2], [1, 0]), constant([3], [0, 1, 2])],
      differentiable: [],
    },
  ],
  ReduceMax: [
    ...reduction(reduceMax, (values) => Math.max(...values)),
    {
      title: 'the symbolic axis itself',
      inputs: [random('x', [4, 3])],
      shapes: [['n', 3]],
      build: (x) => reduceMax(x, [0]),
      expected: (x: Tensor) => reduced((values) => Math.max(...values), x, [0]),
    },
  ],
  Softmax: [
    { title: 'a matrix', inputs: [random('x', [3, 4])], build: softmax, expected: softmaxOf },
    {
      title: 'symbolic rows and columns',
      inputs: [random('x', [2, 3, 4])],
      shapes: [['batch', 'queries', 'keys']],
      build: softmax,
      expected: softmaxOf,
    },
    {
      title: 'scores as large as a mask leaves them',
      inputs: [constant([2, 3], [800, 799, -1e9, -900, -901, -902])],
      build: softmax,
      expected: () => {
        const [a, b, c] = [1, Math.exp(-1), Math.exp(-2)]
        return constant([2, 3], [a / (a + b), b / (a + b), 0, ...[a, b, c].map((e) => e / (a + b + c))])
      },
    },
  ],
  LayerNormalization: [
    {
      title: 'a matrix',
      inputs: [random('x', [3, 5]), random('weight', [5]), random('bias', [5])],
      build: (x, weight, bias) => layerNormalization(x, weight, bias, 1e-5),
      expected: normalised(1e-5),
    },
    {
      title: 'a large epsilon, symbolic rows',
      inputs: [random('x', [2, 3, 4]), random('weight', [4]), random('bias', [4])],
      shapes: [['batch', 'sequence', 4], [4], [4]],
      build: (x, weight, bias) => layerNormalization(x, weight, bias, 0.5),
      expected: normalised(0.5),
    },
    {
      title: 'one row alone',
      inputs: [random('x', [4]), random('weight', [4]), random('bias', [4])],
      build: (x, weight, bias) => layerNormalization(x, weight, bias, 1e-5),
      expected: normalised(1e-5),
    },
  ],
} satisfies Record<string, readonly OperatorCase[]>
