/**
 * Matrix products and rows picked by index.
 * @module
 */
import type { GemmOptions } from '../../../graphs/ops/index.ts'
import { gather, gemm, matmul, scatterAddRows } from '../../../graphs/ops/index.ts'
import type { Tensor } from '../tensor.ts'
import { constant, elementwise, random, read, tensor } from '../tensor.ts'
import type { OperatorCase } from './case.ts'

/** Matrices in the last two axes; leading axes broadcast. */
function product(x: Tensor, y: Tensor): Tensor {
  const rank = Math.max(x.shape.length, y.shape.length)
  const leading = Array.from({ length: rank - 2 }, (_, axis) =>
    Math.max(x.shape[axis - rank + x.shape.length] ?? 1, y.shape[axis - rank + y.shape.length] ?? 1),
  )
  const inner = x.shape.at(-1)!
  return tensor([...leading, x.shape.at(-2)!, y.shape.at(-1)!], (index) => {
    const [batch, row, column] = [index.slice(0, -2), index.at(-2)!, index.at(-1)!]
    const terms = Array.from(
      { length: inner },
      (_, k) => read(x, [...batch, row, k]) * read(y, [...batch, k, column]),
    )
    return terms.reduce((sum, term) => sum + term, 0)
  })
}

const transposed = (x: Tensor): Tensor =>
  tensor([x.shape[1]!, x.shape[0]!], ([row, column]) => read(x, [column!, row!]))

const plus = (x: Tensor, y: Tensor): Tensor => elementwise((a, b) => a + b, x, y)

function gemmCase({ transA, transB }: Omit<GemmOptions, 'addend'>): OperatorCase {
  const named = [...(transA ? ['A transposed'] : []), ...(transB ? ['B transposed'] : [])].join(', ')
  return {
    title: named || 'neither transposed',
    inputs: [random('a', transA ? [3, 2] : [2, 3]), random('b', transB ? [4, 3] : [3, 4])],
    build: (a, b) => gemm(a, b, { transA: transA ?? false, transB: transB ?? false }),
    expected: (a, b) => product(transA ? transposed(a) : a, transB ? transposed(b) : b),
  }
}

const gemmWithAddend = (title: string, addend: readonly number[]): OperatorCase => ({
  title: `with ${title} added`,
  inputs: [random('a', [2, 3]), random('b', [3, 4]), random('c', addend)],
  build: (a, b, c) => gemm(a, b, { addend: c }),
  expected: (a, b, c) => plus(product(a, b), c),
})

/** Indices may repeat and count from the end, as both operators allow. */
const ROWS = constant([2, 3], [1, 3, 1, 0, -1, 1])

const pick = (x: Tensor, rows: Tensor): Tensor =>
  tensor([...rows.shape, ...x.shape.slice(1)], (index) => {
    const row = read(rows, index.slice(0, rows.shape.length))
    return read(x, [row < 0 ? row + x.shape[0]! : row, ...index.slice(rows.shape.length)])
  })

function scattered(x: Tensor, rows: Tensor, updates: Tensor): Tensor {
  const width = x.data.length / x.shape[0]!
  const data = [...x.data]
  rows.data.forEach((row, i) => {
    const from = (row < 0 ? row + x.shape[0]! : row) * width
    for (let column = 0; column < width; column++) data[from + column]! += updates.data[i * width + column]!
  })
  return { shape: x.shape, data }
}

export const productCases = {
  MatMul: [
    {
      title: 'two matrices',
      inputs: [random('x', [2, 3]), random('y', [3, 4])],
      build: matmul,
      expected: product,
    },
    {
      title: 'batches of matrices',
      inputs: [random('x', [2, 2, 2, 3]), random('y', [2, 2, 3, 4])],
      build: matmul,
      expected: product,
    },
    {
      title: 'one matrix for a whole batch, on the right',
      inputs: [random('x', [2, 2, 3]), random('y', [3, 4])],
      build: matmul,
      expected: product,
    },
    {
      title: 'batch axes stretched on both sides',
      inputs: [random('x', [2, 1, 2, 3]), random('y', [2, 3, 2])],
      build: matmul,
      expected: product,
    },
    {
      title: 'symbolic batch and inner dimension',
      inputs: [random('x', [2, 2, 3]), random('y', [2, 3, 2])],
      shapes: [
        ['batch', 2, 'keys'],
        ['batch', 'keys', 2],
      ],
      build: matmul,
      expected: product,
    },
  ],
  Gemm: [
    gemmCase({}),
    gemmCase({ transA: true }),
    gemmCase({ transB: true }),
    gemmCase({ transA: true, transB: true }),
    gemmWithAddend('a matrix', [2, 4]),
    gemmWithAddend('a row', [4]),
    gemmWithAddend('a column', [2, 1]),
    gemmWithAddend('a scalar', []),
    {
      title: 'symbolic rows',
      inputs: [random('a', [2, 3]), random('b', [3, 4]), random('c', [4])],
      shapes: [['rows', 3], [3, 4], [4]],
      build: (a, b, c) => gemm(a, b, { addend: c }),
      expected: (a: Tensor, b: Tensor, c: Tensor) => plus(product(a, b), c),
    },
  ],
  Gather: [
    {
      title: 'rows of a matrix, some repeatedly',
      inputs: [random('x', [4, 3]), ROWS],
      dtypes: ['float64', 'int64'],
      build: gather,
      expected: pick,
    },
    {
      title: 'elements of a vector by int32, symbolic',
      inputs: [random('x', [4]), constant([3], [2, 0, 2])],
      dtypes: ['float64', 'int32'],
      shapes: [[4], ['n']],
      build: gather,
      expected: pick,
    },
  ],
  ScatterElements: [
    {
      title: 'rows added where some already are',
      inputs: [random('x', [4, 3]), ROWS, random('updates', [2, 3, 3])],
      dtypes: ['float64', 'int64', 'float64'],
      build: scatterAddRows,
      expected: scattered,
    },
    {
      title: 'symbolic rows',
      inputs: [random('x', [4, 2]), constant([3], [2, 0, 2]), random('updates', [3, 2])],
      dtypes: ['float64', 'int64', 'float64'],
      shapes: [[4, 2], ['n'], ['n', 2]],
      build: scatterAddRows,
      expected: scattered,
    },
  ],
} satisfies Record<string, readonly OperatorCase[]>
