/**
 * Operators that move elements or speak of shapes.
 * @module
 */
import {
  cast,
  concat,
  cutInTwo,
  dequantize,
  dimension,
  dimensions,
  expandLike,
  identity,
  mul,
  reshape,
  shapeOf,
  slice,
  split,
  swapLast,
  transpose,
  unsqueeze,
} from '../../../graphs/ops/index.ts'
import { encodeNumbers } from '../../../graphs/ir/dtype.ts'
import type { Tensor } from '../tensor.ts'
import { constant, random, read, tensor } from '../tensor.ts'
import type { OperatorCase } from './case.ts'

const reshaped = (shape: readonly number[]) => (x: Tensor) => ({ shape, data: x.data })

/** Elements from `start` on along an axis. */
const part = (x: Tensor, axis: number, start: number, size: number): Tensor =>
  tensor(x.shape.with(axis, size), (index) => read(x, index.with(axis, start + index[axis]!)))

function join(axis: number, ...tensors: readonly Tensor[]): Tensor {
  const sizes = tensors.map(({ shape }) => shape[axis]!)
  const total = sizes.reduce((sum, size) => sum + size, 0)
  return tensor(tensors[0]!.shape.with(axis, total), (index) => {
    let at = index[axis]!
    let which = 0
    while (at >= sizes[which]!) at -= sizes[which++]!
    return read(tensors[which]!, index.with(axis, at))
  })
}

export const shapingCases = {
  Identity: [
    { title: 'a matrix', inputs: [random('x', [2, 3])], build: (x) => identity(x), expected: (x) => x },
  ],
  Cast: [
    {
      title: 'a float to whole numbers, towards zero',
      inputs: [constant([4], [-1.5, 0.5, 2, 3.9])],
      build: (x) => cast(x, 'int64'),
      expected: () => constant([4], [-1, 0, 2, 3]),
      differentiable: [],
    },
    {
      title: 'booleans to a float',
      inputs: [constant([3], [1, 0, 1])],
      dtypes: ['bool'],
      build: (x) => cast(x, 'float64'),
      expected: (x) => x,
    },
    {
      title: 'float32 to float64',
      inputs: [constant([2, 2], [0.5, -1.25, 3, -8])],
      dtypes: ['float32'],
      build: (x) => cast(x, 'float64'),
      expected: (x) => x,
    },
  ],
  Shape: [
    {
      title: 'all dimensions, and single ones',
      inputs: [random('x', [2, 3, 4])],
      shapes: [['batch', 3, 'width']],
      build: (x) => [shapeOf(x), dimension(x, 'width'), dimensions(x, [7, 'batch', 'width'])],
      expected: () => [constant([3], [2, 3, 4]), constant([1], [4]), constant([3], [7, 2, 4])],
      differentiable: [],
    },
  ],
  Reshape: [
    {
      title: 'known dimensions',
      inputs: [random('x', [2, 6])],
      build: (x) => reshape(x, [3, 2, 2]),
      expected: reshaped([3, 2, 2]),
    },
    {
      title: 'to a scalar',
      inputs: [random('x', [1, 1])],
      build: (x) => reshape(x, []),
      expected: reshaped([]),
    },
    {
      title: 'symbolic dimensions split and joined',
      inputs: [random('x', [2, 3, 4])],
      shapes: [['batch', 'sequence', 4]],
      build: (x) => [reshape(x, ['batch*sequence', 4]), reshape(x, ['batch', 'sequence', 2, 2])],
      expected: (x) => [reshaped([6, 4])(x), reshaped([2, 3, 2, 2])(x)],
    },
    {
      title: 'a product of symbols taken apart again',
      inputs: [random('x', [2, 3, 4])],
      shapes: [['batch', 'sequence', 4]],
      build: (x) => reshape(reshape(x, ['batch*sequence', 4]), ['batch', 'sequence', 4]),
      expected: (x) => x,
    },
  ],
  Expand: [
    {
      title: 'new and stretched axes',
      inputs: [random('x', [3, 1]), random('like', [2, 3, 4])],
      build: expandLike,
      expected: (x, like) => tensor(like.shape, (index) => read(x, index)),
      differentiable: [0],
    },
    {
      title: 'a scalar to a symbolic shape',
      inputs: [random('x', []), random('like', [2, 3])],
      shapes: [[], ['n', 3]],
      build: expandLike,
      expected: (x, like) => tensor(like.shape, (index) => read(x, index)),
      differentiable: [0],
    },
  ],
  Transpose: [
    {
      title: 'three axes in a cycle',
      inputs: [random('x', [2, 3, 4])],
      build: (x) => transpose(x, [2, 0, 1]),
      expected: (x) => tensor([4, 2, 3], ([a, b, c]) => read(x, [b!, c!, a!])),
    },
    {
      title: 'the last two axes, symbolic',
      inputs: [random('x', [2, 3, 4])],
      shapes: [['batch', 3, 'keys']],
      build: swapLast,
      expected: (x) => tensor([2, 4, 3], ([a, b, c]) => read(x, [a!, c!, b!])),
    },
  ],
  Concat: [
    {
      title: 'two matrices along rows',
      inputs: [random('x', [2, 3]), random('y', [1, 3])],
      build: (x, y) => concat([x, y], 0),
      expected: (x, y) => join(0, x, y),
    },
    {
      title: 'three tensors along an axis counted from the end, one of them twice',
      inputs: [random('x', [2, 2, 1]), random('y', [2, 2, 3])],
      build: (x, y) => concat([x, y, x], -1),
      expected: (x, y) => join(2, x, y, x),
    },
    {
      title: 'symbolic sizes',
      inputs: [random('x', [2, 3]), random('y', [4, 3])],
      shapes: [
        ['past', 3],
        ['sequence', 3],
      ],
      build: (x, y) => concat([x, y], 0),
      expected: (x, y) => join(0, x, y),
    },
  ],
  Split: [
    {
      title: 'three parts, one of them without a gradient',
      inputs: [random('x', [2, 6])],
      build: (x) => {
        const [first, , last] = split(x, 1, [1, 2, 3])
        return [first!, last!]
      },
      expected: (x) => [part(x, 1, 0, 1), part(x, 1, 3, 3)],
    },
    {
      title: 'symbolic sizes',
      inputs: [random('x', [6, 3]), random('past', [2]), random('sequence', [4])],
      shapes: [['past+sequence', 3], ['past'], ['sequence']],
      build: (x) => split(x, 0, ['past', 'sequence']),
      expected: (x) => [part(x, 0, 0, 2), part(x, 0, 2, 4)],
      differentiable: [0],
    },
    {
      title: 'parts multiplied with each other',
      inputs: [random('x', [4, 3])],
      build: (x) => {
        const [above, below] = split(x, 0, [2, 2])
        return mul(above!, below!)
      },
      expected: (x) => tensor([2, 3], ([i, j]) => read(x, [i!, j!]) * read(x, [i! + 2, j!])),
    },
  ],
  Slice: [
    {
      title: 'two parts of symbolic sizes',
      inputs: [random('x', [6, 3]), random('past', [2]), random('sequence', [4])],
      shapes: [['past+sequence', 3], ['past'], ['sequence']],
      build: (x) => cutInTwo(x, 0, ['past', 'sequence']),
      expected: (x) => [part(x, 0, 0, 2), part(x, 0, 2, 4)],
      differentiable: [0],
    },
    {
      title: 'one of two parts of symbolic sizes',
      inputs: [random('x', [6, 3]), random('past', [2]), random('sequence', [4])],
      shapes: [['past+sequence', 3], ['past'], ['sequence']],
      build: (x) => [cutInTwo(x, 0, ['past', 'sequence'])[1]],
      expected: (x) => [part(x, 0, 2, 4)],
      differentiable: [0],
    },
    {
      title: 'the middle of an axis',
      inputs: [random('x', [2, 5, 2])],
      build: (x) => slice(x, 1, 1, 3),
      expected: (x) => part(x, 1, 1, 2),
    },
    {
      title: 'the start and the end',
      inputs: [random('x', [4, 2])],
      build: (x) => [slice(x, 0, 0, 1), slice(x, 0, 2, 4)],
      expected: (x) => [part(x, 0, 0, 1), part(x, 0, 2, 2)],
    },
    {
      title: 'beside a symbolic axis',
      inputs: [random('x', [3, 4])],
      shapes: [['n', 4]],
      build: (x) => slice(x, 1, 1, 4),
      expected: (x) => part(x, 1, 1, 3),
    },
  ],
  Unsqueeze: [
    {
      title: 'in front, between and behind',
      inputs: [random('x', [2, 3])],
      build: (x) => [0, 1, 2].map((axis) => unsqueeze(x, axis)),
      expected: (x) =>
        [
          [1, 2, 3],
          [2, 1, 3],
          [2, 3, 1],
        ].map((shape) => ({ shape, data: x.data })),
    },
    {
      title: 'symbolic',
      inputs: [random('x', [2, 3])],
      shapes: [['n', 'm']],
      build: (x) => unsqueeze(x, 1),
      expected: reshaped([2, 1, 3]),
    },
  ],
  DequantizeLinear: [
    ...([0, 1] as const).flatMap((axis) =>
      (['int4', 'int8'] as const).map((dtype): OperatorCase => {
        // Blocks of 16, of which the last along an axis has 2.
        const shape = [5, 5].with(axis, 18)
        const codes = Array.from({ length: 90 }, (_, i) => (i % 15) - 7)
        return {
          title: `${dtype}, blocks along axis ${axis}`,
          inputs: [random('scales', shape.with(axis, 2), 0.5, 2)],
          dtypes: ['float32'],
          build: (scales) =>
            dequantize(
              scales.graph.initializer('q', dtype, shape, encodeNumbers(codes, dtype)),
              scales,
              axis,
              16,
            ),
          expected: (scales) =>
            tensor(shape, (index) => {
              const [i, j] = index as [number, number]
              return (
                codes[i * shape[1]! + j]! *
                Math.fround(read(scales, index.with(axis, Math.floor(index[axis]! / 16))))
              )
            }),
        }
      }),
    ),
  ],
} satisfies Record<string, readonly OperatorCase[]>
