/**
 * Comparisons and booleans.
 * @module
 */
import type { Value } from '../../../graphs/ir/graph.ts'
import { and, equal, greater, greaterOrEqual, less } from '../../../graphs/ops/index.ts'
import type { Tensor } from '../tensor.ts'
import { constant, elementwise } from '../tensor.ts'
import type { OperatorCase } from './case.ts'

function comparison(
  build: (x: Value, y: Value) => Value,
  holds: (x: number, y: number) => boolean,
): OperatorCase[] {
  const matrix = constant([2, 3], [-1, 0, 1, 2, -2, 3])
  const expected = (x: Tensor, y: Tensor) => elementwise((a, b) => Number(holds(a, b)), x, y)
  return [
    { title: 'equal shapes', inputs: [matrix, constant([2, 3], [-1, 1, 0, 2, -3, 4])], build, expected },
    {
      title: 'whole numbers, broadcast',
      inputs: [matrix, constant([2, 1], [0, 2])],
      dtypes: ['int64', 'int64'],
      build,
      expected,
    },
    {
      title: 'float32, symbolic',
      inputs: [matrix, constant([], [1])],
      dtypes: ['float32', 'float32'],
      shapes: [['n', 'm'], []],
      build,
      expected,
    },
  ].map((one) => ({ ...one, differentiable: [] })) as OperatorCase[]
}

export const logicCases = {
  Equal: comparison(equal, (x, y) => x === y),
  Greater: comparison(greater, (x, y) => x > y),
  GreaterOrEqual: comparison(greaterOrEqual, (x, y) => x >= y),
  Less: comparison(less, (x, y) => x < y),
  And: [
    {
      title: 'broadcast',
      inputs: [constant([2, 1], [1, 0]), constant([3], [1, 0, 1])],
      dtypes: ['bool', 'bool'],
      build: and,
      expected: (x: Tensor, y: Tensor) => elementwise((a, b) => Number(a && b), x, y),
    },
  ],
} satisfies Record<string, readonly OperatorCase[]>
