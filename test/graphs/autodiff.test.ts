import { expect } from 'chai'

import { gradients, outputGradients } from '../../graphs/autodiff.ts'
import type { Value } from '../../graphs/ir/graph.ts'
import { Graph } from '../../graphs/ir/graph.ts'
import { liveNodes, serialize } from '../../graphs/ir/serialize.ts'
import type { Shape } from '../../graphs/ir/shape.ts'
import {
  add,
  cast,
  exp,
  gather,
  gemm,
  greater,
  mul,
  reduceSum,
  softmax,
  split,
  tanh,
  where,
} from '../../graphs/ops/index.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import type { Feeds } from '../../src/runtime/session.ts'
import { checkGradients, giveOutGradients } from './check_gradients.ts'
import { constant, random, toHost } from './tensor.ts'

function start(...shapes: Shape[]) {
  const graph = new Graph('autodiff')
  return { graph, inputs: shapes.map((shape, i) => graph.input(`x${i}`, 'float64', shape)) }
}

const sum = (x: Value): Value =>
  reduceSum(
    x,
    x.shape.map((_, axis) => axis),
    false,
  )

const feedsOf = (graph: Graph) =>
  Object.fromEntries(
    graph.inputs.map(({ name, shape }) => [name, toHost(random(name, shape as number[]), 'float64')]),
  )

describe('gradients', () => {
  it('sum over all paths from a tensor to the loss', async () => {
    const { graph, inputs } = start([2, 3], [3])
    const [x, y] = inputs as [Value, Value]
    const inner = tanh(add(x, y))
    giveOutGradients(sum(add(mul(inner, x), mul(inner, exp(inner)))), inputs)
    await checkGradients(graph, feedsOf(graph))
  })

  it('join dense parts and rows of one table, picked twice', async () => {
    const { graph, inputs } = start([4, 3], [2, 3])
    const [table, hidden] = inputs as [Value, Value]
    const ids = (...values: number[]) => graph.constant(values, 'int64')
    const rows = add(gather(table, ids(1, 3)), mul(hidden, gather(table, ids(1, 1))))
    giveOutGradients(sum(tanh(gemm(rows, table, { transB: true }))), inputs)
    await checkGradients(graph, feedsOf(graph))
  })

  it('pass through a cast between floats', async () => {
    const { graph, inputs } = start([4])
    const [x] = inputs as [Value]
    const rounded = cast(cast(x, 'float32'), 'float64')
    giveOutGradients(sum(mul(rounded, graph.constant([1, -2, 3, 0.5], 'float64'))), [x])
    // Whatever is a multiple of 2⁻¹⁰ here is exact in float32, so that differences see no rounding.
    await checkGradients(
      graph,
      { x0: toHost(constant([4], [0.5, -1, 2, 1.25]), 'float64') },
      { step: 2 ** -10 },
    )
  })

  it('are there for tensors on the way, too', async () => {
    const { graph, inputs } = start([3])
    const [x] = inputs as [Value]
    const middle = exp(x)
    const loss = sum(mul(middle, middle))
    const found = gradients(loss, [x, middle])
    graph.output('middle', middle)
    graph.output('middle_gradient', found.get(middle)!)
    graph.output('x_gradient', found.get(x)!)
    const session = await openNodeSession(serialize(graph))
    const got = await session.run({ x0: toHost(constant([3], [-1, 0, 1]), 'float64') })
    await session.release()
    // loss = Σ m² with m = eˣ: dm = 2m, dx = 2m·m
    got['middle']!.data.forEach((value, i) => {
      const m = value as number
      expect(got['middle_gradient']!.data[i]).to.be.closeTo(2 * m, 1e-14)
      expect(got['x_gradient']!.data[i]).to.be.closeTo(2 * m * m, 1e-14)
    })
  })

  it('are given out under the names of the trained tensors, in their order', async () => {
    const { graph, inputs } = start([3], [3], [3])
    const [x, y, frozen] = inputs as [Value, Value, Value]
    outputGradients(sum(mul(mul(x, y), frozen)), [y, x])
    expect([...graph.outputs.keys()]).to.deep.equal(['x1_grad', 'x0_grad'])
    const session = await openNodeSession(serialize(graph))
    const feeds = [2, 3, 5].map((value, i) => [`x${i}`, toHost(constant([3], [value, 1, 0]), 'float64')])
    const got = await session.run(Object.fromEntries(feeds) as Feeds)
    await session.release()
    expect([...got['x1_grad']!.data]).to.deep.equal([10, 1, 0])
    expect([...got['x0_grad']!.data]).to.deep.equal([15, 1, 0])
  })

  it('can be differentiated again', async () => {
    const { graph, inputs } = start([2, 3])
    const [x] = inputs as [Value]
    const first = gradients(sum(mul(softmax(x), exp(x))), [x]).get(x)!
    giveOutGradients(sum(mul(first, first)), [x])
    await checkGradients(graph, feedsOf(graph))
  })

  it('cost nothing for tensors that are not wanted', () => {
    const build = (wanted: (x: Value, weight: Value) => Value[]) => {
      const { graph, inputs } = start([2, 3], [3, 4])
      const [x, weight] = inputs as [Value, Value]
      const loss = sum(tanh(gemm(x, weight)))
      const forward = graph.nodes.length
      for (const gradient of gradients(loss, wanted(x, weight)).values())
        graph.output(`gradient ${graph.outputs.size}`, gradient)
      const added = graph.nodes.slice(forward).map(({ operator }) => operator.name)
      return { products: added.filter((name) => name === 'Gemm').length, live: liveNodes(graph).length }
    }
    expect(build((x, weight) => [x, weight]).products).to.equal(2)
    expect(build((x) => [x]).products).to.equal(1)
    expect(build((_, weight) => [weight]).products).to.equal(1)
  })

  it('pass a composite in place of the nodes inside, and by them where they are used outside', async () => {
    const { graph, inputs } = start([2, 3])
    const [x] = inputs as [Value]
    const inner = exp(x)
    const outer = mul(inner, inner)
    let calls = 0
    graph.composite({
      name: 'square of exp',
      inputs: [x],
      outputs: [outer],
      // d(e²ˣ)/dx = 2e²ˣ
      gradient: ([dy]) => [() => (calls++, mul(dy!, add(outer, outer)))],
    })
    giveOutGradients(sum(add(outer, tanh(inner))), [x])
    expect(calls).to.equal(1)
    await checkGradients(graph, feedsOf(graph))
  })

  it('reach a node of which a composite has claimed another output', async () => {
    const { graph, inputs } = start([2, 4])
    const [x] = inputs as [Value]
    const [left, right] = split(x, 1, [2, 2]) as [Value, Value]
    const placing = graph.constant([1, 0, 0, 0, 0, 1, 0, 0], 'float64', [2, 4])
    graph.composite({
      name: 'left half',
      inputs: [x],
      outputs: [left],
      gradient: ([dy]) => [() => gemm(dy!, placing)],
    })
    giveOutGradients(sum(mul(exp(left), tanh(right))), [x])
    await checkGradients(graph, feedsOf(graph))
  })

  it('need a scalar loss that depends on every wanted tensor', () => {
    const { inputs } = start([2], [2])
    const [x, y] = inputs as [Value, Value]
    expect(() => gradients(x, [x])).to.throw('the loss must be a scalar')
    expect(() => gradients(sum(exp(x)), [x, y])).to.throw('the loss does not depend on "x1"')
    const throughWholeNumbers = sum(cast(greater(y, x), 'float64'))
    expect(() => gradients(throughWholeNumbers, [y])).to.throw('the loss does not depend on "x1"')
    const throughCondition = sum(where(greater(y, x), exp(x), x))
    expect(() => gradients(throughCondition, [y])).to.throw('the loss does not depend on "x1"')
  })
})
