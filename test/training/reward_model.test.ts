import { expect } from 'chai'

import type { RewardTask } from '../../graphs/tasks/reward.ts'
import { rewardEvaluationGraph, rewardShapes, rewardTrainingGraph } from '../../graphs/tasks/reward.ts'
import type { Pooling } from '../../graphs/layers/pooling.ts'
import type { FloatTensor } from '../../src/formats/safetensors.ts'
import { tensorFeeds } from '../../src/formats/tensor_feeds.ts'
import { calibration } from '../../src/metrics/calibration.ts'
import { parameterFeeds } from './memory.ts'
import { collateAnswers, evaluateReward, rewardMetrics, rewardObjective } from '../../src/tasks/reward.ts'
import { classifierGraph } from '../../graphs/tasks/classification.ts'
import type { AdaptationName, FixtureClassifier } from '../graphs/classification_fixtures.ts'
import { adapted, fixtureClassifier } from '../graphs/classification_fixtures.ts'
import { collateTokens } from '../../src/data/batches/collate.ts'
import { largestDifference, numbersOf } from '../graphs/gpt2_fixtures.ts'
import { randomPairs } from './preference_pairs.ts'
import type { RunData, SmallRuns } from './small_run.ts'
import { openRuns } from './small_run.ts'

const WIDTH = 24
const HEAD = 'score.weight'

interface RewardRuns extends SmallRuns {
  readonly model: FixtureClassifier
  readonly task: RewardTask
  readonly tensors: ReadonlyMap<string, FloatTensor>
}

/** The classifier of transformers' fixtures, of whose classes the first one's logit is the score. */
async function openRewardRuns(
  name: AdaptationName,
  pooling: Pooling,
  { dropout = 0.25, centering = 0.1 } = {},
): Promise<RewardRuns> {
  const model = await fixtureClassifier()
  const { task: base, tensors: found, feeds } = await adapted(model, name, { pooling, dropout })
  const task: RewardTask = { ...base, center_rewards_coefficient: centering }
  const head = model.tensors.get(HEAD)!.data.slice(0, WIDTH)
  const tensors = new Map([...found, [HEAD, { shape: [1, WIDTH], data: head }] as const])
  const tokens = { config: model.config, pooling }
  const { lora_scale } = feeds
  const runs = await openRuns(model, {
    trainable: rewardShapes(task),
    training: rewardTrainingGraph(task),
    evaluation: rewardEvaluationGraph(task),
    objective: rewardObjective({ ...tokens, dropout, width: WIDTH, seed: 42 }),
    async judge(evaluation, parameters, data) {
      const { loss, metrics } = await evaluateReward(evaluation, parameters, data, {
        batchSize: 4,
        ...tokens,
      })
      return { eval_loss: loss, eval_accuracy: metrics.accuracy }
    },
    initial: tensors,
    constants: lora_scale ? { lora_scale } : {},
    classes: [],
  })
  return { ...runs, model, task, tensors }
}

describe('reward modelling', () => {
  let runs: RewardRuns
  let data: RunData
  before(async () => {
    runs = await openRewardRuns('lora', 'last')
    data = {
      trainData: await runs.dataset('train', randomPairs(30, 'train')),
      validationData: await runs.dataset('validation', randomPairs(9, 'validation')),
    }
  })
  after(() => runs.release())

  for (const [name, pooling] of [
    ['lora', 'last'],
    ['full', 'mean'],
    ['none', 'last'],
  ] as const) {
    it(`does the same by batch 4 × accumulation 1, 2 × 2 and 1 × 4, with dropout: ${name}, ${pooling}`, async () => {
      const opened = await openRewardRuns(name, pooling)
      const train = (batch: number, accumulation: number) =>
        opened.train(
          {
            per_device_train_batch_size: batch,
            gradient_accumulation_steps: accumulation,
            max_steps: 15,
            learning_rate: 5e-3,
          },
          data,
        )
      const whole = await train(4, 1)
      expect(whole.steps.length).to.equal(15)
      for (const cut of [await train(2, 2), await train(1, 4)]) {
        for (const [i, step] of cut.steps.entries()) {
          const wanted = whole.steps[i]!
          expect(step).to.have.all.keys(Object.keys(wanted))
          for (const [metric, value] of Object.entries(step))
            expect(value, `${metric} of step ${step.step}`).to.be.closeTo(Number(wanted[metric]), 1e-4)
        }
      }
      await opened.release()
    })
  }

  it('reports the mean loss per pair: −log σ(s₊ − s₋ − margin) + c·(s₊ + s₋)²', async () => {
    const parameters = { ...parameterFeeds(runs.memory()), ...runs.constants }
    const tokens = { config: runs.model.config, pooling: 'last' } as const
    const measure = (batchSize: number) =>
      evaluateReward(runs.evaluation, parameters, data.validationData, { batchSize, ...tokens })
    const one = await measure(1)
    const losses = one.scores.map(([chosen, rejected], i) => {
      const { margin } = data.validationData.row(2 * i)
      return Math.log1p(Math.exp(margin! - (chosen - rejected))) + 0.1 * (chosen + rejected) ** 2
    })
    expect(losses.length).to.equal(9)
    expect(one.loss).to.be.closeTo(losses.reduce((sum, loss) => sum + loss, 0) / 9, 1e-6)
    for (const batchSize of [2, 5, 9, 64]) {
      const { loss, metrics, scores } = await measure(batchSize)
      expect(loss).to.be.closeTo(one.loss, 1e-6)
      expect(metrics.accuracy).to.equal(one.metrics.accuracy)
      expect(largestDifference(scores.flat(), one.scores.flat())).to.be.below(1e-5)
    }
    expect(one.metrics).to.deep.equal(rewardMetrics(one.scores))
    expect(one.calibration).to.deep.equal(
      calibration(one.scores.map(([chosen, rejected]) => chosen - rejected)),
    )

    // The same graph with margins of 0 and no centering: the plain loss.
    const plain = await openRewardRuns('lora', 'last', { centering: 0 })
    const pairs = [[0, 1].map((row) => ({ ...data.validationData.row(row), margin: 0 }))]
    const { loss } = numbersOf(
      await plain.evaluation.run({ ...collateAnswers(pairs, tokens, 1), ...parameters }),
    )
    const [chosen, rejected] = one.scores[0]!
    expect(loss![0]).to.be.closeTo(Math.log1p(Math.exp(rejected - chosen)), 1e-6)
    await plain.release()
  })

  it("scores as a classifier's one logit", async () => {
    const { lora, pooling, ...parts } = runs.task
    if (typeof lora === 'string') throw new Error(lora)
    // Without the stored head, which is of three classes, the head is an input.
    const stored = new Map([...runs.model.stored].filter(([name]) => name !== HEAD))
    const session = await runs.model.open(classifierGraph({ ...parts, lora, pooling, classes: 1, stored }))
    const rows = Array.from({ length: 6 }, (_, row) => [data.validationData.row(row)])
    const { input_ids, attention_mask } = collateTokens(rows).feeds
    const feeds = { ...tensorFeeds(runs.tensors), ...runs.constants }
    const { logits } = numbersOf(
      await session.run({ input_ids: input_ids!, attention_mask: attention_mask!, ...feeds }),
    )
    await session.release()
    const { scores } = await evaluateReward(runs.evaluation, feeds, data.validationData, {
      batchSize: 4,
      config: runs.model.config,
      pooling,
    })
    expect(largestDifference(logits!, scores.flat().slice(0, 6))).to.be.below(1e-5)
  })

  it('learns its pairs by heart, in spite of the dropout', async () => {
    const seen = { ...data, validationData: data.trainData }
    const { evaluations, steps } = await runs.train(
      { max_steps: 90, per_device_train_batch_size: 10, learning_rate: 2e-2 },
      seen,
    )
    expect(evaluations.at(-1)!['eval_accuracy']).to.be.greaterThan(0.95)
    expect(steps.at(-1)!['margin']).to.be.greaterThan(1)
  })

  it('draws a dropout mask for each answer, the same however a step is cut', async () => {
    const settings = {
      config: runs.model.config,
      pooling: 'last',
      dropout: 0.5,
      width: WIDTH,
      seed: 3,
    } as const
    const { feeds } = rewardObjective(settings)
    const pairs = Array.from({ length: 4 }, (_, i) => [
      data.trainData.row(2 * i),
      data.trainData.row(2 * i + 1),
    ])
    const mask = async (from: number, to: number) => {
      const { dropout_mask } = await feeds(pairs.slice(from, to), {
        total: 4,
        step: 1,
        first: from,
        rows: [],
        all: pairs,
      })
      expect(dropout_mask!.dims).to.deep.equal([2 * (to - from), WIDTH])
      return Array.from(dropout_mask!.data, Number)
    }
    const whole = await mask(0, 4)
    expect([...(await mask(0, 1)), ...(await mask(1, 4))]).to.deep.equal(whole)
    expect(whole.slice(0, WIDTH)).to.not.deep.equal(whole.slice(WIDTH, 2 * WIDTH))
  })

  it('counts metrics as TRL does', () => {
    const pairs = [
      [2, 1],
      [0.5, 0.5],
      [-1, 3],
    ] as const
    const { margin, ...metrics } = rewardMetrics(pairs)
    expect(margin).to.be.closeTo(-1, 1e-12)
    expect(metrics).to.deep.equal({ accuracy: 1 / 3, mean_reward: 1, min_reward: -1, max_reward: 3 })
  })
})
