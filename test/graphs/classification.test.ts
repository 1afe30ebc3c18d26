import { expect } from 'chai'

import type { ClassificationTask } from '../../graphs/tasks/classification.ts'
import {
  classificationEvaluationGraph,
  classificationShapes,
  classificationTrainingGraph,
  classifierGraph,
} from '../../graphs/tasks/classification.ts'
import { Graph } from '../../graphs/ir/graph.ts'
import { liveNodes, serialize } from '../../graphs/ir/serialize.ts'
import { poolings } from '../../graphs/layers/pooling.ts'
import { crossEntropy } from '../../graphs/losses/cross_entropy.ts'
import { weightedSum } from '../../graphs/losses/weighted_sum.ts'
import { backboneShapes, HEAD, headShapes } from '../../graphs/models/encoder.ts'
import { loraParameterShapes } from '../../graphs/models/lora_config.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import type { HostTensor } from '../../src/runtime/session.ts'
import { checkGradients, giveOutGradients } from './check_gradients.ts'
import { constant, fromHost, random, toHost } from './tensor.ts'
import { adapters, tiny, weightFeeds } from './tiny_gpt2.ts'

const CLASSES = 3
const DROPOUT = 0.25
const adaptations = { lora: adapters, full: 'full', none: 'none' } as const

const int64 = (shape: number[], ...data: number[]) => toHost(constant(shape, data), 'int64')

/** Five tokens, three with two pads, and one with four; the weights are not equal. */
const tokens = {
  input_ids: int64([3, 5], 3, 7, 3, 10, 0, 5, 1, 9, 0, 0, 4, 0, 0, 0, 0),
  attention_mask: int64([3, 5], 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0),
}
const position_ids = int64([3, 5], 0, 1, 2, 3, 4, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0)
const pool_positions = int64([3], 4, 7, 10)
const labels = int64([3], 2, 0, 1)
const label_weights = toHost(constant([3], [0.2, 0.5, 0.3]), 'float64')
/** Each feature dropped for some row. */
const dropout_mask = toHost(
  constant(
    [3, tiny.n_embd],
    Array.from({ length: 3 * tiny.n_embd }, (_, i) => (i % 5 < 2 ? 0 : 1 / (1 - DROPOUT))),
  ),
  'float64',
)

describe('classification gradients in float64', function () {
  this.slow(5000)
  for (const pooling of poolings) {
    for (const [title, lora] of Object.entries(adaptations)) {
      it(`${title}, pooling ${pooling}, with a dropout mask`, async () => {
        const task = {
          config: tiny,
          lora,
          classes: CLASSES,
          pooling,
          dropout: DROPOUT,
          dtype: 'float64',
        } as const
        const graph = classificationTrainingGraph(task)
        const shapes = new Map([...backboneShapes(tiny), ...headShapes(tiny, CLASSES)])
        const feeds: Record<string, HostTensor> = {
          ...tokens,
          position_ids,
          ...(pooling === 'last' ? { pool_positions } : {}),
          labels,
          label_weights,
          dropout_mask,
          ...weightFeeds(shapes, 'float64'),
        }
        if (lora === adapters) {
          Object.assign(feeds, weightFeeds(loraParameterShapes(backboneShapes(tiny), lora), 'float64'))
          feeds['lora_scale'] = toHost(constant([], [2]), 'float64')
        }
        expect(graph.inputs.map(({ name }) => name).sort()).to.deep.equal(Object.keys(feeds).sort())
        expect([...graph.outputs.keys()]).to.deep.equal([
          'loss',
          ...[...classificationShapes(task).keys()].map((name) => `${name}_grad`),
        ])
        const { worst } = await checkGradients(graph, feeds, { elements: 10 })
        expect(worst).to.be.greaterThan(0)
      })
    }
  }
})

describe('classification graphs', () => {
  const stored = new Map(
    [...backboneShapes(tiny).keys(), HEAD].map((name) => [name, { location: 'w', offset: 0, length: 4 }]),
  )
  const task: ClassificationTask = {
    config: tiny,
    lora: adapters,
    classes: CLASSES,
    pooling: 'last',
    dropout: DROPOUT,
    stored,
  }
  const inputs = (graph: Graph) => graph.inputs.map(({ name }) => name)
  const batch = ['input_ids', 'attention_mask', 'position_ids', 'pool_positions', 'labels', 'label_weights']
  const trained = [...classificationShapes(task).keys()]

  it('take what the artifact promises, in order: adapters, their scale, and the head last', () => {
    const adapterNames = trained.filter((name) => name !== HEAD)
    const all = [...adapterNames, 'lora_scale', HEAD]
    expect(inputs(classificationTrainingGraph(task))).to.deep.equal([...batch, 'dropout_mask', ...all])
    expect(inputs(classificationTrainingGraph({ ...task, dropout: 0 }))).to.deep.equal([...batch, ...all])
    expect(inputs(classificationEvaluationGraph(task))).to.deep.equal([...batch, ...all])
    expect(inputs(classificationEvaluationGraph({ ...task, pooling: 'mean', lora: 'none' }))).to.deep.equal([
      ...batch.filter((name) => name !== 'pool_positions'),
      HEAD,
    ])
    expect(
      inputs(classifierGraph({ config: tiny, classes: CLASSES, pooling: 'last', stored })),
    ).to.deep.equal(['input_ids', 'attention_mask'])
  })

  it('train no part of a frozen model: there is no backward pass below the head', () => {
    const alone = classificationTrainingGraph({ ...task, lora: 'none' })
    const forward = classificationEvaluationGraph({ ...task, lora: 'none' })
    const products = (graph: Graph) =>
      liveNodes(graph).filter(({ operator }) => operator.name === 'Gemm').length
    expect([...alone.outputs.keys()]).to.deep.equal(['loss', `${HEAD}_grad`])
    expect(products(alone)).to.equal(products(forward) + 1)
  })
})

describe('losses/cross_entropy', () => {
  async function evaluate(logits: readonly (readonly number[])[], classes: readonly number[]) {
    const graph = new Graph('cross entropy')
    const shape = [logits.length, logits[0]!.length]
    const z = graph.input('logits', 'float32', ['rows', shape[1]!])
    const weights = graph.input('weights', 'float32', ['rows'])
    const nll = crossEntropy(z, graph.input('labels', 'int64', ['rows']))
    graph.output('nll', nll)
    const session = await openNodeSession(serialize(giveOutGradients(weightedSum(nll, weights), [z])))
    const outputs = await session.run({
      logits: toHost(constant(shape, logits.flat()), 'float32'),
      labels: int64([classes.length], ...classes),
      weights: toHost(
        constant(
          [classes.length],
          classes.map(() => 1),
        ),
        'float32',
      ),
    })
    await session.release()
    const gradient = fromHost(outputs['logits_grad']!).data
    return {
      nll: [...fromHost(outputs['nll']!).data],
      gradient: logits.map((row, i) => gradient.slice(i * row.length, (i + 1) * row.length)),
    }
  }

  it('has the gradient of its differences in float64, and its value by definition', async () => {
    const graph = new Graph('cross entropy')
    const logits = graph.input('logits', 'float64', ['rows', 5])
    const weights = graph.input('weights', 'float64', ['rows'])
    const loss = weightedSum(crossEntropy(logits, graph.input('labels', 'int64', ['rows'])), weights)
    const z = random('logits of cross entropy', [4, 5])
    const classes = [4, 0, 2, 2]
    const given = [0.1, 0.4, 0.2, 0.3]
    const { outputs } = await checkGradients(giveOutGradients(loss, [logits]), {
      logits: toHost(z, 'float64'),
      labels: int64([4], ...classes),
      weights: toHost(constant([4], given), 'float64'),
    })
    // −log(exp z[label] / Σ exp z)
    const expected = classes.map((label, i) => {
      const row = z.data.slice(5 * i, 5 * (i + 1))
      return given[i]! * (Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0)) - row[label]!)
    })
    expect(outputs['loss']!.data[0]).to.be.closeTo(
      expected.reduce((sum, value) => sum + value, 0),
      1e-12,
    )
  })

  it('is exact for logits of ±10⁴, and never NaN', async () => {
    const far = [1e4, -1e4, 0]
    const { nll, gradient } = await evaluate(
      [far, far, far, [1e4, 1e4, 1e4], [-1e4, -1e4, -1e4]],
      [0, 1, 2, 1, 2],
    )
    expect(nll.slice(0, 3)).to.deep.equal([0, 2e4, 1e4])
    for (const even of nll.slice(3)) expect(even).to.be.closeTo(Math.log(3), 1e-6)
    expect(gradient.slice(0, 3)).to.deep.equal([
      [0, 0, 0],
      [1, -1, 0],
      [1, 0, -1],
    ])
    for (const [row, label] of [
      [gradient[3]!, 1],
      [gradient[4]!, 2],
    ] as const)
      row.forEach((slope, i) => expect(slope).to.be.closeTo(1 / 3 - Number(i === label), 1e-6))
  })
})
