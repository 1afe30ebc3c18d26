import { expect } from 'chai'

import type { HostType } from '../../graphs/ir/dtype.ts'
import type { Value } from '../../graphs/ir/graph.ts'
import { Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import type { Binary } from '../../graphs/ops/index.ts'
import {
  add,
  cast,
  div,
  equal,
  filledLike,
  greater,
  greaterOrEqual,
  less,
  maximum,
  minimum,
  mul,
  pow,
  reduceSum,
  sub,
  where,
} from '../../graphs/ops/index.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import { checkGradients, giveOutGradients } from './check_gradients.ts'
import { constant, fromHost, toHost } from './tensor.ts'

/** Every function that takes a number beside a value, and what it does to two numbers. */
const functions: readonly [name: string, build: Binary, f: (x: number, y: number) => number | boolean][] = [
  ['add', add, (x, y) => x + y],
  ['sub', sub, (x, y) => x - y],
  ['mul', mul, (x, y) => x * y],
  ['div', div, (x, y) => x / y],
  ['pow', pow, (x, y) => x ** y],
  ['maximum', maximum, Math.max],
  ['minimum', minimum, Math.min],
  ['equal', equal, (x, y) => x === y],
  ['greater', greater, (x, y) => x > y],
  ['greaterOrEqual', greaterOrEqual, (x, y) => x >= y],
  ['less', less, (x, y) => x < y],
]

const VALUES = [1, 2, 4, 6]

/** Runs what is built from x = VALUES: the results' dtype and elements. */
async function run(dtype: HostType, build: (x: Value) => Value) {
  const graph = new Graph('operands')
  graph.output('y', build(graph.input('x', dtype, [VALUES.length])))
  const session = await openNodeSession(serialize(graph))
  const { y } = await session.run({ x: toHost(constant([VALUES.length], VALUES), dtype) })
  await session.release()
  const scalars = graph.initializers.map(({ value }) => [value.dtype, value.shape])
  return { dtype: y!.dtype, elements: fromHost(y!).data, scalars }
}

describe('a number as an operand', () => {
  for (const dtype of ['float32', 'float64', 'int64'] as const) {
    for (const [name, build, f] of functions) {
      const compares = typeof f(1, 2) === 'boolean'
      it(`takes the dtype ${dtype} of the value beside it in ${name}, on either side`, async () => {
        const right = await run(dtype, (x) => build(x, 2))
        const left = await run(dtype, (x) => build(2, x))
        const stored = (y: number) => (dtype === 'int64' ? Math.trunc(y) : y)
        const expected = (y: number | boolean) => (dtype === 'float32' ? Math.fround : stored)(Number(y))
        expect(right.elements).to.deep.equal(VALUES.map((x) => expected(f(x, 2))))
        expect(left.elements).to.deep.equal(VALUES.map((x) => expected(f(2, x))))
        for (const result of [right, left]) {
          expect(result.dtype).to.equal(compares ? 'bool' : dtype)
          expect(result.scalars).to.deep.equal([[dtype, []]])
        }
      })

      if (compares || dtype !== 'float64') continue
      it(`lets the gradient of ${name} pass to the value`, async () => {
        const graph = new Graph('operands')
        const x = graph.input('x', dtype, [3])
        const both = add(mul(build(x, 2.5), 2), mul(build(1.5, x), x))
        const loss = reduceSum(both, [0], false)
        await checkGradients(giveOutGradients(loss, [x]), {
          x: toHost(constant([3], [0.5, 1.7, 2.9]), dtype),
        })
      })
    }

    it(`takes the dtype ${dtype} of the other branch in where`, async () => {
      const small = (x: Value) => less(x, 3)
      const [right, left] = [
        await run(dtype, (x) => where(small(x), x, 7)),
        await run(dtype, (x) => where(small(x), 7, x)),
      ]
      expect([right.dtype, left.dtype]).to.deep.equal([dtype, dtype])
      expect(right.elements).to.deep.equal([1, 2, 7, 7])
      expect(left.elements).to.deep.equal([7, 7, 4, 6])
    })

    it(`fills a tensor of dtype ${dtype}`, async () => {
      const { elements, ...filled } = await run(dtype, (x) => filledLike(3, x))
      expect(filled.dtype).to.equal(dtype)
      expect(elements).to.deep.equal([3, 3, 3, 3])
    })
  }

  it('is stored once, however often it is used', () => {
    const graph = new Graph('operands')
    const x = graph.input('x', 'float32', [2])
    mul(add(x, 2), sub(2, x))
    expect(graph.initializers.length).to.equal(1)
  })

  it('has to be whole beside whole numbers and booleans', () => {
    const graph = new Graph('operands')
    const x = graph.input('x', 'int64', [2])
    const scoped = (build: () => Value) => () => graph.scope('outer', build)
    expect(scoped(() => mul(x, 0.5))).to.throw('Mul in outer: 0.5 is not of dtype int64')
    expect(scoped(() => sub(0.5, cast(x, 'int32')))).to.throw('Sub in outer: 0.5 is not of dtype int32')
    expect(scoped(() => where(equal(x, 1), x, NaN))).to.throw('Where in outer: NaN is not of dtype int64')
  })

  it('has a value beside it, or there is nothing to compile', () => {
    // @ts-expect-error two numbers belong to no graph
    expect(() => add(1, 2)).to.throw()
  })
})
