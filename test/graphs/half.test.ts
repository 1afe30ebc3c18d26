import { expect } from 'chai'

import type { HalfType } from '../../graphs/ir/dtype.ts'
import { isHalf } from '../../graphs/ir/dtype.ts'
import type { Graph, Value } from '../../graphs/ir/graph.ts'
import { liveNodes, serialize } from '../../graphs/ir/serialize.ts'
import { withFloat32Arithmetic } from '../../graphs/lowering.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import type { Feeds, SessionOptions } from '../../src/runtime/session.ts'
import { everyTask } from './every_task.ts'
import { withFloat64Erf } from './float64_erf.ts'
import { numbersOf } from './gpt2_fixtures.ts'
import { feedsOf } from './half_feeds.ts'

/** Unit roundoff: half the distance from 1 to the next number. */
const UNIT: Readonly<Record<HalfType, number>> = { float16: 2 ** -11, bfloat16: 2 ** -8 }

/**
 * Roundings are as good as independent, so that n of them are off by u·√n together; what stands in a difference, as attention's
 * gradient does, is off by more. Half of it would still pass.
 */
const FACTOR = 4

const cases = everyTask('mean')

async function run(
  graph: Graph,
  feeds: Feeds,
  optimization: SessionOptions['optimization'] = 'all',
): Promise<Record<string, number[]>> {
  const bytes = serialize(graph)
  const isDouble = graph.inputs.some(({ dtype }) => dtype === 'float64')
  const session = await openNodeSession(isDouble ? withFloat64Erf(bytes) : bytes, {
    threads: 1,
    optimization,
  })
  const outputs = await session.run(feeds)
  await session.release()
  return numbersOf(outputs)
}

/** The most roundings to 16 bits on a way through a graph. */
function roundings(graph: Graph): number {
  const counts = new Map<Value, number>()
  let most = 0
  for (const { inputs, outputs } of liveNodes(graph)) {
    const before = Math.max(0, ...inputs.map((input) => counts.get(input) ?? 0))
    for (const output of outputs) {
      const count = before + (isHalf(output.dtype) ? 1 : 0)
      counts.set(output, count)
      most = Math.max(most, count)
    }
  }
  return most
}

const norm = (x: readonly number[]): number => Math.hypot(...x)

/** ‖x − y‖ / ‖y‖, where a gradient that is next to nothing beside all others counts as a hundredth of them, and any other number as 1. */
function distances(
  x: Readonly<Record<string, readonly number[]>>,
  y: Readonly<Record<string, readonly number[]>>,
): (readonly [name: string, distance: number])[] {
  const gradients = Object.keys(y).filter((name) => name.endsWith('_grad'))
  const all = norm(gradients.map((name) => norm(y[name]!)))
  return Object.keys(y).map((name) => {
    const apart = norm(y[name]!.map((number, i) => number - x[name]![i]!))
    return [name, apart / Math.max(norm(y[name]!), gradients.includes(name) ? all / 100 : 1)] as const
  })
}

const at64 = (feeds: Feeds): Feeds =>
  Object.fromEntries(
    Object.entries(feeds)
      .filter(([name]) => name !== 'loss_scale')
      .map(([name, tensor]) => [
        name,
        tensor.dtype === 'float32'
          ? { ...tensor, dtype: 'float64', data: Float64Array.from(tensor.data as Float32Array) }
          : tensor,
      ]),
  )

async function open(graph: Graph): Promise<void> {
  const session = await openNodeSession(serialize(graph), { threads: 1 })
  await session.release()
}

describe('graphs of 16 bits against float64', function () {
  this.slow(5000)
  for (const { title, graphs } of cases)
    it(title, async () => {
      // Both types are fed the same numbers, in float32.
      const wide = at64(feedsOf((await graphs('float16')).training()))
      const expected = await run((await graphs('float64')).training(), wide)
      for (const dtype of ['float16', 'bfloat16'] as const) {
        const graph = (await graphs(dtype)).training()
        const feeds = feedsOf(graph)
        expect(at64(feeds)).to.deep.equal(wide)
        const lowered = withFloat32Arithmetic(graph)
        const found = await run(lowered, feeds)
        expect(Object.keys(found)).to.deep.equal(Object.keys(expected))
        const bound = UNIT[dtype] * Math.sqrt(roundings(graph))
        for (const [name, distance] of distances(found, expected))
          expect(distance / bound, `${name}, ${dtype}`).to.be.lessThan(FACTOR)
        if (dtype === 'bfloat16') {
          // Every rounding is kept, however ONNX Runtime rewrites the graph: the bits stay the same.
          expect(found, dtype).to.deep.equal(await run(lowered, feeds, 'disabled'))
          continue
        }
        // The graph itself, to which ONNX Runtime brings casts of its own where its kernels have no float16.
        for (const [name, distance] of distances(await run(graph, feeds), expected))
          expect(distance / bound, `${name} of the graph itself`).to.be.lessThan(FACTOR)
      }
    })
})

describe('what a graph of 16 bits keeps', () => {
  for (const { title, graphs } of cases)
    it(`${title}: what is fed and given out is no 16 bits wide`, async () => {
      for (const dtype of ['float16', 'bfloat16'] as const)
        for (const part of ['training', 'evaluation'] as const) {
          const graph = (await graphs(dtype))[part]()
          const values = [...graph.inputs, ...graph.outputs.values()]
          expect(values.filter((value) => isHalf(value.dtype)).map(({ name }) => name)).to.deep.equal([])
          const scaled = dtype === 'float16' && part === 'training'
          expect(graph.inputs.some(({ name }) => name === 'loss_scale')).to.equal(scaled)
          // Training graphs are run above. ONNX Runtime checks types and operators of the graph itself; of bfloat16 it has no
          // kernels on the CPU.
          if (part === 'evaluation')
            await (dtype === 'float16' ? open(graph) : open(withFloat32Arithmetic(graph)))
        }
    })

  it('is in float32 what 16 bits do not bear', async () => {
    const alone = [
      'LayerNormalization',
      'Softmax',
      'ReduceSum',
      'ReduceMean',
      'ReduceMax',
      'Log',
      'ScatterElements',
    ]
    for (const { graphs } of cases)
      for (const { operator, inputs, name } of liveNodes((await graphs('bfloat16')).training())) {
        const isIsland = [...alone, 'Sqrt', 'Equal', 'Greater', 'GreaterOrEqual', 'Less'].includes(
          operator.name,
        )
        expect(isIsland && inputs.some(({ dtype }) => isHalf(dtype)), name).to.equal(false)
      }
  })
})
