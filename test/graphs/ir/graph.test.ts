import { expect } from 'chai'

import type { Value } from '../../../graphs/ir/graph.ts'
import { Graph } from '../../../graphs/ir/graph.ts'
import {
  add,
  concat,
  expandLike,
  gather,
  gemm,
  layerNormalization,
  matmul,
  reduceMean,
  reduceSum,
  reshape,
  scatterAddRows,
  slice,
  split,
  transpose,
  where,
} from '../../../graphs/ops/index.ts'

interface Operands {
  readonly x: Value
  readonly y: Value
  readonly ids: Value
  readonly single: Value
}

/** x [batch, 3] and y [4, 2] float64; ids [5] int64; single [3] float32. */
function operands(): Operands & { graph: Graph } {
  const graph = new Graph('errors')
  return {
    graph,
    x: graph.input('x', 'float64', ['batch', 3]),
    y: graph.input('y', 'float64', [4, 2]),
    ids: graph.input('ids', 'int64', [5]),
    single: graph.input('single', 'float32', [3]),
  }
}

/** What does not fit, and what the error says about it after the operation and the scope. */
const misfits: readonly [
  operation: string,
  build: (operands: Operands) => unknown,
  said: readonly string[],
][] = [
  ['Add', ({ x, y }) => add(x, y), ['[batch, 3]', '[4, 2]']],
  ['Add', ({ x, single }) => add(x, single), ['float64', 'float32']],
  ['MatMul', ({ x, y }) => matmul(x, y), ['[batch, 3]', '[4, 2]']],
  ['Gemm', ({ x, y }) => gemm(x, y), ['[batch, 3]', '[4, 2]']],
  ['Gemm', ({ x, ids }) => gemm(x, ids), ['[batch, 3]', '[5]']],
  ['Gemm', ({ x, y }) => gemm(x, x, { transB: true, addend: y }), ['[4, 2]', '[batch, batch]']],
  ['Concat', ({ x, y }) => concat([x, y], 0), ['[batch, 3]', '[4, 2]', 'axis 0']],
  ['Concat', ({ ids, single }) => concat([ids, single], 0), ['int64', 'float32']],
  ['Reshape', ({ x }) => reshape(x, ['batch', 4]), ['[batch, 3]', '[batch, 4]']],
  ['Expand', ({ x, y }) => expandLike(x, y), ['[batch, 3]', '[4, 2]']],
  ['Transpose', ({ x }) => transpose(x, [0, 0]), ['[0, 0]', '2 axes']],
  ['Split', ({ x }) => split(x, 1, [1, 1]), ['[batch, 3]', '1 + 1']],
  ['Slice', ({ x }) => slice(x, 0, 0, 1), ['[batch, 3]', 'axis 0']],
  ['Slice', ({ y }) => slice(y, 0, 2, 5), ['[4, 2]', '[2, 5)']],
  ['Where', ({ x, y }) => where(x, y, y), ['bool', 'float64']],
  ['Gather', ({ x, y }) => gather(x, y), ['float64']],
  ['ScatterElements', ({ ids, single }) => scatterAddRows(single, ids, ids), ['float32', 'int64']],
  ['LayerNormalization', ({ x, y }) => layerNormalization(x, y, y, 1e-5), ['[batch, 3]', '[4, 2]']],
  [
    'LayerNormalization',
    ({ x, single }) => layerNormalization(x, single, single, 1e-5),
    ['float64', 'float32'],
  ],
  ['ReduceMean', ({ x }) => reduceMean(x, [0, 1]), ['3*batch']],
]

describe('graph', () => {
  for (const [operation, build, said] of misfits) {
    it(`says that ${operation} does not take ${said.join(' and ')}, and where`, () => {
      const { graph, ...values } = operands()
      const failing = () => graph.scope('transformer', () => graph.scope('h.3', () => build(values)))
      expect(failing).to.throw(new RegExp(`^${operation} in transformer\\.h\\.3: `))
      for (const part of said) expect(failing).to.throw(part)
      expect(graph.scopePath, 'the scope after an error').to.equal('')
    })
  }

  it('names nodes by scope and keeps names unique', () => {
    const { graph, x } = operands()
    const twice = () => [add(x, x), add(x, x)]
    const sums = graph.scope('a', () => graph.scope('b', twice))
    expect(sums.map(({ name }) => name)).to.deep.equal(['a/b/Add:0', 'a/b/Add_1:0'])
    expect(() => graph.input('x', 'float32', [])).to.throw('"x"')
    expect(() => graph.initializer('ids', 'float32', [], new Uint8Array(4))).to.throw('"ids"')
  })

  it('refuses an output given out twice, or under the name of something else', () => {
    const { graph, x, y } = operands()
    graph.output('result', x)
    expect(() => graph.output('result', y)).to.throw('"result" is given out twice')
    expect(() => graph.output('x', y)).to.throw('"x" is taken')
    expect(() => graph.input('result', 'float64', [])).to.throw('"result" is taken')
  })

  it("refuses another graph's values", () => {
    expect(() => add(operands().x, operands().x)).to.throw('Add: "x" belongs to another graph')
  })

  it('stores equal constants once', () => {
    const { graph } = operands()
    const one = graph.scalar(1, 'float64')
    expect(graph.scalar(1, 'float64')).to.equal(one)
    const others = [graph.scalar(1, 'float32'), graph.constant([1], 'float64'), graph.scalar(2, 'float64')]
    expect(new Set([one, ...others]).size).to.equal(4)
    expect(graph.initializers.length).to.equal(4)
  })

  it('finds the input that a symbolic dimension is read from', () => {
    const { graph, x } = operands()
    expect(graph.dimensionSource('batch')).to.deep.equal({ input: x, axis: 0 })
    expect(() => graph.dimensionSource('sequence')).to.throw('no input has the dimension "sequence"')
  })

  it('takes a reduction over no axis as the tensor itself', () => {
    const { graph, x } = operands()
    expect(reduceSum(x, [])).to.equal(x)
    expect(graph.nodes).to.be.empty
    expect(() => reduceSum(x, [2])).to.throw('axis 2')
  })
})
