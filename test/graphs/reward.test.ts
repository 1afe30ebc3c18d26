import { expect } from 'chai'

import type { RewardTask } from '../../graphs/tasks/reward.ts'
import { rewardEvaluationGraph, rewardShapes, rewardTrainingGraph } from '../../graphs/tasks/reward.ts'
import { Graph } from '../../graphs/ir/graph.ts'
import { liveNodes, serialize } from '../../graphs/ir/serialize.ts'
import { evaluateDim } from '../../graphs/ir/shape.ts'
import { bradleyTerry } from '../../graphs/losses/bradley_terry.ts'
import { logSigmoid } from '../../graphs/losses/log_sigmoid.ts'
import { poolings } from '../../graphs/layers/pooling.ts'
import { weightedSum } from '../../graphs/losses/weighted_sum.ts'
import type { ModelConfig } from '../../graphs/models/family.ts'
import { backboneShapes, encoderShapes, headShapes } from '../../graphs/models/encoder.ts'
import { factsOf } from '../../graphs/models/family.ts'
import type { LoraConfig } from '../../graphs/models/lora_config.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import type { Feeds } from '../../src/runtime/session.ts'
import { checkGradients, giveOutGradients } from './check_gradients.ts'
import { withFloat64Erf } from './float64_erf.ts'
import { largestDifference, numbersOf } from './gpt2_fixtures.ts'
import { constant, random, toHost } from './tensor.ts'
import { tinyBert } from './tiny_bert.ts'
import { adapters, tiny, weightFeeds } from './tiny_gpt2.ts'

const DROPOUT = 0.25

const bertAdapters: LoraConfig = { r: 3, lora_alpha: 6, target_modules: ['query', 'value', 'pooler.dense'] }

const int64 = (shape: number[], ...data: number[]) => toHost(constant(shape, data), 'int64')
const float64 = (shape: number[], ...data: number[]) => toHost(constant(shape, data), 'float64')

/** Two pairs; rows of 5, 3, 1 and 4 tokens. */
const tokens: Feeds = {
  input_ids: int64([4, 5], 3, 7, 3, 10, 6, 3, 7, 9, 0, 0, 4, 0, 0, 0, 0, 4, 8, 1, 2, 0),
  attention_mask: int64([4, 5], 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0),
}
const ofPairs: Feeds = { margins: float64([2], 0.5, -0.2), pair_weights: float64([2], 0.6, 0.3) }

function batchFeeds(config: ModelConfig, pooling: RewardTask['pooling']): Feeds {
  if (config.model_type === 'bert')
    return {
      ...tokens,
      token_type_ids: int64([4, 5], 0, 0, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0),
      ...ofPairs,
    }
  return {
    ...tokens,
    position_ids: int64([4, 5], 0, 1, 2, 3, 4, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 0),
    ...(pooling === 'last' ? { pool_positions: int64([4], 4, 7, 10, 18) } : {}),
    ...ofPairs,
  }
}

/** Each feature dropped for some row. */
const dropoutMask = (width: number) =>
  float64([4, width], ...Array.from({ length: 4 * width }, (_, i) => (i % 5 < 2 ? 0 : 1 / (1 - DROPOUT))))

function allFeeds(task: RewardTask, drops = task.dropout > 0): Feeds {
  const { config, pooling } = task
  const head = headShapes(config, 1)
  const below = weightFeeds(new Map([...backboneShapes(config), ...encoderShapes(task)]), 'float64')
  return {
    ...batchFeeds(config, pooling),
    ...(drops ? { dropout_mask: dropoutMask(factsOf(config).width) } : {}),
    ...below,
    ...(typeof task.lora === 'string' ? {} : { lora_scale: float64([], 2) }),
    ...weightFeeds(head, 'float64'),
  }
}

async function run(graph: Graph, feeds: Feeds): Promise<Record<string, number[]>> {
  const session = await openNodeSession(withFloat64Erf(serialize(graph)), { optimization: 'basic' })
  const outputs = await session.run(feeds)
  await session.release()
  return numbersOf(outputs)
}

const backbones: [name: string, config: ModelConfig, lora: LoraConfig, pooling: RewardTask['pooling']][] = [
  ...poolings.map((pooling): (typeof backbones)[number] => [
    `GPT-2, pooling ${pooling}`,
    tiny,
    adapters,
    pooling,
  ]),
  ['BERT', tinyBert, bertAdapters, 'last'],
]

describe('reward model gradients in float64', function () {
  this.slow(5000)
  for (const [name, config, lora, pooling] of backbones) {
    for (const [title, adaptation] of [
      ['lora', lora],
      ['full', 'full'],
      ['none', 'none'],
    ] as const) {
      it(`${name}, ${title}, with margins, centering and a dropout mask`, async () => {
        const task: RewardTask = {
          config,
          lora: adaptation,
          pooling,
          dropout: DROPOUT,
          center_rewards_coefficient: 0.1,
          dtype: 'float64',
        }
        const graph = rewardTrainingGraph(task)
        const feeds = allFeeds(task)
        expect(graph.inputs.map((input) => input.name)).to.deep.equal(Object.keys(feeds))
        expect([...graph.outputs.keys()]).to.deep.equal([
          'loss',
          'scores',
          ...[...rewardShapes(task).keys()].map((tensor) => `${tensor}_grad`),
        ])
        // The same number added to all keys moves no attention: these gradients are 0 but for rounding.
        for (const output of [...graph.outputs.keys()].filter((key) => key.endsWith('.key.bias_grad')))
          graph.outputs.delete(output)
        const { worst } = await checkGradients(graph, feeds, { elements: 5 })
        expect(worst).to.be.greaterThan(0)
      })
    }
  }
})

describe('reward graphs', () => {
  for (const [name, config, lora, pooling] of backbones) {
    const task: RewardTask = {
      config,
      lora,
      pooling,
      dropout: DROPOUT,
      center_rewards_coefficient: 0,
      dtype: 'float64',
    }

    it(`have the shapes that were inferred, ${name}`, async () => {
      const graph = rewardTrainingGraph({ ...task, center_rewards_coefficient: 0.1 })
      const values = liveNodes(graph).flatMap((node) => node.outputs)
      values.forEach((value, i) => graph.output(`value_${i}`, value))
      const session = await openNodeSession(withFloat64Erf(serialize(graph)), { optimization: 'basic' })
      const got = await session.run(allFeeds(task))
      await session.release()
      const dims = { batch: 4, sequence: 5, pairs: 2 }
      values.forEach((value, i) => {
        const { dtype, dims: found } = got[`value_${i}`]!
        expect([dtype, ...found], value.name).to.deep.equal([
          value.dtype,
          ...value.shape.map((dim) => evaluateDim(dim, dims)),
        ])
      })
    })

    it(`score a row the same in whatever pair, and either way round, ${name}`, async () => {
      const graph = rewardEvaluationGraph(task)
      expect([...graph.outputs.keys()]).to.deep.equal(['loss', 'scores'])
      const feeds = allFeeds(task, false)
      expect(graph.inputs.map((input) => input.name)).to.deep.equal(Object.keys(feeds))
      const { scores } = await run(graph, feeds)
      const flipped = [3, 2, 1, 0]
      const reversed = Object.fromEntries(
        Object.keys(batchFeeds(config, pooling))
          .filter((key) => !(key in ofPairs))
          .map((key) => [key, takeRows(feeds[key]!, flipped, key === 'pool_positions')]),
      )
      const { scores: turned } = await run(graph, { ...feeds, ...reversed })
      expect(new Set(scores)).to.have.property('size', 4)
      expect(largestDifference(turned!, scores!.toReversed())).to.be.at.most(1e-12)
    })
  }
})

/** The rows in another order; flat positions of tokens move with their rows. */
function takeRows({ dims, data }: Feeds[string], order: readonly number[], positions: boolean) {
  const width = data.length / order.length
  const numbers = Array.from(data as BigInt64Array, Number)
  const taken = order.flatMap((row, b) => {
    const values = numbers.slice(row * width, (row + 1) * width)
    return positions ? values.map((value) => value + (b - row) * 5) : values
  })
  return toHost(constant([...dims], taken), 'int64')
}

describe('losses/bradley_terry', () => {
  const scores = random('scores', [5, 2], -6, 6)
  const margins = [0, 0.5, -1, 2, 0]

  for (const centering of [0, 0.01]) {
    it(`is its formula and has its gradient, centering ${centering}`, async () => {
      const graph = new Graph('bradley terry')
      const s = graph.input('scores', 'float64', ['pairs', 2])
      const loss = bradleyTerry(s, graph.input('margins', 'float64', ['pairs']), centering)
      graph.output('per_pair', loss)
      const weights = graph.input('weights', 'float64', ['pairs'])
      const { outputs } = await checkGradients(giveOutGradients(weightedSum(loss, weights), [s]), {
        scores: toHost(scores, 'float64'),
        margins: float64([5], ...margins),
        weights: float64([5], 0.1, 0.3, 0.2, 0.15, 0.25),
      })
      const expected = margins.map((margin, pair) => {
        const [chosen, rejected] = scores.data.slice(2 * pair, 2 * pair + 2) as [number, number]
        return Math.log1p(Math.exp(rejected + margin - chosen)) + centering * (chosen + rejected) ** 2
      })
      expect(largestDifference(numbersOf(outputs)['per_pair']!, expected)).to.be.at.most(1e-12)
    })
  }
})

describe('log σ', () => {
  const build = (dtype: 'float32' | 'float64') => {
    const graph = new Graph('log sigmoid')
    const x = graph.input('x', dtype, ['n'])
    const y = logSigmoid(x)
    graph.output('y', y)
    return giveOutGradients(weightedSum(y, graph.input('weights', dtype, ['n'])), [x])
  }

  it('is its formula and has its gradient', async () => {
    const x = [-9, -2.5, -0.3, 0.4, 3, 8]
    const { outputs } = await checkGradients(build('float64'), {
      x: float64([6], ...x),
      weights: float64([6], 0.5, -1, 2, 0.7, 1, 3),
    })
    const expected = x.map((value) => -Math.log1p(Math.exp(-value)))
    expect(largestDifference(numbersOf(outputs)['y']!, expected)).to.be.at.most(1e-12)
  })

  it('is finite at ±1000, with slopes of 0 and 1, and −log 2 at 0', async () => {
    for (const dtype of ['float32', 'float64'] as const) {
      const got = await run(build(dtype), {
        x: toHost(constant([3], [-1000, 0, 1000]), dtype),
        weights: toHost(constant([3], [1, 1, 1]), dtype),
      })
      expect(largestDifference(got['y']!, [-1000, -Math.LN2, 0])).to.be.at.most(1e-7)
      expect(largestDifference(got['x_grad']!, [1, 0.5, 0])).to.be.at.most(1e-6)
    }
  })
})
