import { expect } from 'chai'

import { Graph } from '../../graphs/ir/graph.ts'
import { liveNodes, serialize } from '../../graphs/ir/serialize.ts'
import { evaluateDim } from '../../graphs/ir/shape.ts'
import type { KtoLoss } from '../../graphs/losses/kto.ts'
import { ktoLoss } from '../../graphs/losses/kto.ts'
import { gpt2ParameterShapes } from '../../graphs/models/gpt2.ts'
import { languageModelTrainable } from '../../graphs/models/language_model.ts'
import { loraParameterShapes } from '../../graphs/models/lora_config.ts'
import type { KtoTask } from '../../graphs/tasks/kto.ts'
import { ktoEvaluationGraph, ktoTrainingGraph } from '../../graphs/tasks/kto.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import type { Feeds } from '../../src/runtime/session.ts'
import { checkGradients } from './check_gradients.ts'
import { largestDifference, numbersOf } from './gpt2_fixtures.ts'
import { constant, toHost } from './tensor.ts'
import { adapters, tiny, weightFeeds } from './tiny_gpt2.ts'

const config = { ...tiny, n_positions: 8 }
const plain: KtoLoss = { beta: 0.3, desirable_weight: 1, undesirable_weight: 1 }
const weighted: KtoLoss = { beta: 0.7, desirable_weight: 1.25, undesirable_weight: 1.5 }

const int64 = (shape: number[], ...data: number[]) => toHost(constant(shape, data), 'int64')
const float64 = (shape: number[], ...data: number[]) => toHost(constant(shape, data), 'float64')

/** 3 7 → 1 10, 5 → 9 and 2 → 4 0 10: the second row is padded. */
const batch: Feeds = {
  input_ids: int64([3, 4], 3, 7, 1, 10, 5, 9, 0, 0, 2, 4, 0, 10),
  attention_mask: int64([3, 4], 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1),
  position_ids: int64([3, 4], 0, 1, 2, 3, 0, 1, 0, 0, 0, 1, 2, 3),
  label_positions: int64([6], 1, 2, 4, 8, 9, 10),
  labels: int64([6], 1, 10, 9, 4, 0, 10),
  label_rows: int64([6], 0, 0, 1, 2, 2, 2),
  reference_logps: float64([3], -4.1, -2.2, -7.3),
  desirable: float64([3], 1, 0, 1),
  kl: float64([], 0.4),
  row_weights: float64([3], 0.3, 0.4, 0.2),
}

const weights = weightFeeds(gpt2ParameterShapes(config), 'float64')
const loraWeights = {
  ...weightFeeds(loraParameterShapes(gpt2ParameterShapes(config), adapters), 'float64'),
  lora_scale: float64([], 2),
}

async function run(graph: Graph, feeds: Feeds): Promise<Record<string, number[]>> {
  const session = await openNodeSession(serialize(graph))
  const outputs = await session.run(feeds)
  await session.release()
  return numbersOf(outputs)
}

describe('KTO gradients in float64', function () {
  this.slow(5000)
  for (const [title, kto] of Object.entries({ plain, weighted })) {
    it(`full, ${title}`, async () => {
      const graph = ktoTrainingGraph({ config, dtype: 'float64', kto })
      const feeds = { ...batch, ...weights }
      expect(graph.inputs.map(({ name }) => name)).to.deep.equal(Object.keys(feeds))
      const { worst } = await checkGradients(graph, feeds, { elements: 6 })
      expect(worst).to.be.greaterThan(0)
    })
  }

  it('LoRA and a head of its own', async () => {
    const untied = { ...config, tie_word_embeddings: false }
    const graph = ktoTrainingGraph({ config: untied, lora: adapters, dtype: 'float64', kto: weighted })
    const own = { ...weightFeeds(gpt2ParameterShapes(untied), 'float64'), ...loraWeights }
    await checkGradients(graph, { ...batch, ...own }, { elements: 6 })
  })
})

describe('the KTO loss', () => {
  const lossOf = async (ratios: number[], desirable: number[], kl: number, kto: KtoLoss) => {
    const graph = new Graph('loss')
    const [r, d] = ['r', 'd'].map((name) => graph.input(name, 'float64', ['rows']))
    graph.output('loss', ktoLoss(r!, d!, graph.input('kl', 'float64', []), kto))
    const rows = [ratios.length]
    const { loss } = await run(graph, {
      r: float64(rows, ...ratios),
      d: float64(rows, ...desirable),
      kl: float64([], kl),
    })
    return loss!
  }
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))

  it('is w_D(1 − σ(β(r − z₀))) where an answer is desirable, w_U(1 − σ(β(z₀ − r))) where not', async () => {
    const { beta, desirable_weight, undesirable_weight } = weighted
    const ratios = [-3, -0.5, 0, 0.4, 2, 900, -900]
    for (const z0 of [0, 0.4, 5]) {
      const desirable = ratios.map((r) => desirable_weight * (1 - sigmoid(beta * (r - z0))))
      const undesirable = ratios.map((r) => undesirable_weight * (1 - sigmoid(beta * (z0 - r))))
      const got = await lossOf(
        [...ratios, ...ratios],
        [...ratios.map(() => 1), ...ratios.map(() => 0)],
        z0,
        weighted,
      )
      expect(largestDifference(got, [...desirable, ...undesirable])).to.be.at.most(1e-12)
    }
  })

  it('without a z₀ is that of APO-zero: w_U·σ(βr) where an answer is undesirable', async () => {
    const [loss] = await lossOf([0.8], [0], 0, weighted)
    expect(loss).to.be.closeTo(weighted.undesirable_weight * sigmoid(weighted.beta * 0.8), 1e-12)
  })

  it('weighs one kind of answers with 0: it is not learned from', async () => {
    const got = await lossOf([1, 1], [1, 0], 0.2, { ...plain, undesirable_weight: 0 })
    expect(got[0]).to.be.greaterThan(0.4)
    expect(got[1]).to.equal(0)
  })
})

describe('KTO graphs', () => {
  const stored = new Map(
    [...gpt2ParameterShapes(config).keys()].map((name) => [name, { location: 'w', offset: 0, length: 4 }]),
  )
  const task: KtoTask = { config, lora: adapters, stored, kto: plain }

  it('take and give what the artifact promises, in order', () => {
    const trained = [...languageModelTrainable(task).keys()]
    const inputs = [...Object.keys(batch), ...trained, 'lora_scale']
    const outputs = ['loss', 'logps', 'rewards', 'logits']
    for (const graph of [ktoTrainingGraph(task), ktoEvaluationGraph(task)]) {
      expect(graph.inputs.map(({ name }) => name)).to.deep.equal(inputs)
      const shapes = outputs.slice(1).map((name) => graph.outputs.get(name)!.shape)
      expect(shapes).to.deep.equal([['rows'], ['rows'], ['rows']])
    }
    expect([...ktoTrainingGraph(task).outputs.keys()]).to.deep.equal([
      ...outputs,
      ...trained.map((name) => `${name}_grad`),
    ])
    expect([...ktoEvaluationGraph(task).outputs.keys()]).to.deep.equal(outputs)
  })

  it('have the shapes that were inferred, forward and backward', async () => {
    const graph = ktoTrainingGraph({ config, lora: adapters, dtype: 'float64', kto: weighted })
    const values = liveNodes(graph).flatMap((node) => node.outputs)
    values.forEach((value, i) => graph.output(`value_${i}`, value))
    const session = await openNodeSession(serialize(graph), { optimization: 'basic' })
    const got = await session.run({ ...batch, ...weights, ...loraWeights })
    await session.release()
    const dims = { rows: 3, sequence: 4, labelled: 6 }
    values.forEach((value, i) => {
      const { dtype, dims: found } = got[`value_${i}`]!
      expect([dtype, ...found], value.name).to.deep.equal([
        value.dtype,
        ...value.shape.map((dim) => evaluateDim(dim, dims)),
      ])
    })
  })
})
