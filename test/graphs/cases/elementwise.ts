/**
 * Operators that work element by element.
 * @module
 */
import type { Value } from '../../../graphs/ir/graph.ts'
import {
  abs,
  add,
  div,
  erf,
  exp,
  log,
  maximum,
  minimum,
  mul,
  neg,
  pow,
  relu,
  sigmoid,
  sqrt,
  sub,
  tanh,
  where,
} from '../../../graphs/ops/index.ts'
import { erf as erfOf } from '../float64_erf.ts'
import type { Tensor } from '../tensor.ts'
import { constant, elementwise, random } from '../tensor.ts'
import type { OperatorCase } from './case.ts'

interface Range {
  readonly low?: number
  readonly high?: number
}

function unary(
  build: (x: Value) => Value,
  f: (x: number) => number,
  { low, high }: Range = {},
): OperatorCase[] {
  const expected = (x: Tensor) => elementwise(f, x)
  return [
    { title: 'a matrix', inputs: [random('matrix', [3, 4], low, high)], build, expected },
    { title: 'a scalar', inputs: [random('scalar', [], low, high)], build, expected },
    {
      title: 'symbolic dimensions',
      inputs: [random('symbolic', [2, 3, 2], low, high)],
      shapes: [['batch', 3, 'batch']],
      build,
      expected,
    },
  ]
}

function binary(
  build: (x: Value, y: Value) => Value,
  f: (x: number, y: number) => number,
  { low, high }: Range = {},
): OperatorCase[] {
  const operand = (name: string, shape: readonly number[]) =>
    shape.length === 0 ? constant([], [0.4]) : random(name, shape, low, high)
  const pairs: [title: string, x: number[], y: number[]][] = [
    ['equal shapes', [2, 3], [2, 3]],
    ['a scalar on the left', [], [2, 3]],
    ['a scalar on the right', [2, 3], []],
    ['a row over a matrix', [2, 3], [3]],
    ['a column and a row, both stretched', [2, 1], [1, 3]],
    ['shapes of different rank, both stretched', [2, 1, 3], [4, 1]],
    ['an axis of size 1 in both', [2, 1, 3], [1, 3]],
  ]
  const expected = (x: Tensor, y: Tensor) => elementwise(f, x, y)
  return [
    ...pairs.map(([title, x, y]) => ({
      title,
      inputs: [operand(`x, ${title}`, x), operand(`y, ${title}`, y)],
      build,
      expected,
    })),
    {
      title: 'a symbolic dimension against 1',
      inputs: [operand('x', [4, 3]), operand('y', [1, 3])],
      shapes: [
        ['rows', 3],
        [1, 3],
      ],
      build,
      expected,
    },
    {
      title: 'a symbolic dimension in both, one stretched along the other axis',
      inputs: [operand('x', [4, 1]), operand('y', [2, 4, 3])],
      shapes: [
        ['rows', 1],
        ['batch', 'rows', 'columns'],
      ],
      build,
      expected,
    },
  ]
}

const twice = (build: (x: Value, y: Value) => Value, f: (x: number, y: number) => number): OperatorCase => ({
  title: 'a tensor with itself',
  inputs: [random('both', [2, 3])],
  build: (x) => build(x, x),
  expected: (x) => elementwise(f, x, x),
})

const positive = { low: 0.3, high: 2 }

export const elementwiseCases = {
  Add: [...binary(add, (x, y) => x + y), twice(add, (x, y) => x + y)],
  Sub: binary(sub, (x, y) => x - y),
  Mul: [...binary(mul, (x, y) => x * y), twice(mul, (x, y) => x * y)],
  Div: [
    ...binary(div, (x, y) => x / y, positive),
    ...binary(div, (x, y) => x / y, { low: -2, high: -0.3 }),
  ].map((one, i) => ({ ...one, title: `${one.title}, ${i < 9 ? 'positive' : 'negative'}` })),
  Pow: [
    ...binary(pow, Math.pow, positive),
    {
      title: 'negative bases and whole exponents',
      inputs: [random('base', [2, 3], -2, -0.5), constant([3], [3, 2, -1])],
      build: pow,
      expected: (x: Tensor, y: Tensor) => elementwise(Math.pow, x, y),
      differentiable: [0],
    },
  ],
  Max: binary(maximum, Math.max),
  Min: binary(minimum, Math.min),
  Neg: unary(neg, (x) => -x),
  Exp: unary(exp, Math.exp),
  Log: unary(log, Math.log, positive),
  Sqrt: unary(sqrt, Math.sqrt, positive),
  Tanh: unary(tanh, Math.tanh),
  Sigmoid: unary(sigmoid, (x) => 1 / (1 + Math.exp(-x))),
  Erf: [
    ...unary(erf, erfOf),
    {
      title: "ONNX Runtime's own kernel, which is float32",
      inputs: [random('erf', [5, 5], -3, 3)],
      dtypes: ['float32'],
      build: erf,
      expected: (x: Tensor) => elementwise(erfOf, x),
      differentiable: [],
    },
  ],
  Relu: unary(relu, (x) => Math.max(x, 0)),
  Abs: unary(abs, Math.abs),
  Where: [
    {
      title: 'equal shapes',
      inputs: [constant([2, 3], [1, 0, 1, 0, 0, 1]), random('x', [2, 3]), random('y', [2, 3])],
      dtypes: ['bool', 'float64', 'float64'],
      build: where,
      expected: choose,
    },
    {
      title: 'condition and both branches stretched',
      inputs: [constant([2, 1, 1], [1, 0]), random('x', [3, 1]), random('y', [4])],
      dtypes: ['bool', 'float64', 'float64'],
      build: where,
      expected: choose,
    },
    {
      title: 'a symbolic condition over scalars',
      inputs: [constant([4, 2], [1, 0, 1, 0, 0, 1, 1, 1]), random('x', []), random('y', [])],
      dtypes: ['bool', 'float64', 'float64'],
      shapes: [['rows', 2], [], []],
      build: where,
      expected: choose,
    },
  ],
} satisfies Record<string, readonly OperatorCase[]>

function choose(condition: Tensor, x: Tensor, y: Tensor): Tensor {
  return elementwise((c, whenTrue, whenFalse) => (c ? whenTrue : whenFalse), condition, x, y)
}
