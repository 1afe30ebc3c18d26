import { expect } from 'chai'

import { grpoEvaluationGraph, grpoTrainingGraph } from '../../graphs/tasks/grpo.ts'
import type { Response } from '../../src/learning/rollouts.ts'
import { evaluateTokens, perResponse } from '../../src/learning/rollouts.ts'
import { loraScale } from '../../src/runtime/feeds.ts'
import type { Estimator } from '../../src/tasks/grpo/estimator.ts'
import { grpoEstimator, rlooEstimator } from '../../src/tasks/grpo/estimator.ts'
import { batchFeeds } from '../../src/tasks/grpo/grpo.ts'
import { batchStatistics, meanStatistics, rewardStatistics } from '../../src/tasks/grpo/log.ts'
import type { MicroBatch } from '../../src/tasks/grpo/micro_batches.ts'
import { microBatches } from '../../src/tasks/grpo/micro_batches.ts'
import { grpoOptionsSchema, rlooOptionsSchema } from '../../src/tasks/grpo/options.ts'
import type { TokenNumbers } from '../../src/tasks/grpo/policy.ts'
import type { FixtureModel } from '../graphs/gpt2_fixtures.ts'
import { fixtureModel, largestDifference, numbersOf } from '../graphs/gpt2_fixtures.ts'
import type { FixtureAdapter, Ragged } from '../graphs/preference_fixtures.ts'
import { expectGradients, readFixtureAdapter, readPreferenceFixture } from '../graphs/preference_fixtures.ts'

interface Variant {
  readonly options: Readonly<Record<string, unknown>>
  readonly advantages: readonly number[]
  /** Of two batches of four completions, which make a step together. */
  readonly losses: readonly number[]
  readonly metrics: Readonly<Record<string, number>>
}

interface Stored {
  readonly prompts: Ragged
  readonly completions: Ragged
  readonly num_generations: number
  readonly max_completion_length: number
  readonly rewards: Readonly<Record<string, readonly number[]>>
  readonly reward_weights: readonly number[]
  readonly grpo: Readonly<Record<string, Variant>>
  readonly rloo: Readonly<Record<string, Variant>>
}

const END = 96

describe('GRPO and RLOO against TRL', () => {
  let model: FixtureModel
  let stored: Stored
  let drew: FixtureAdapter
  let moved: FixtureAdapter
  let responses: readonly Response[]
  let total: readonly number[]
  before(async () => {
    model = await fixtureModel()
    stored = await readPreferenceFixture<Stored>('grpo', 'quantities.json')
    drew = await readFixtureAdapter('grpo', 'policy')
    moved = await readFixtureAdapter('grpo', 'updated')
    responses = stored.completions.map((tokens, i) => ({
      prompt: { ids: stored.prompts[i]!, text: '', references: [] },
      ...{ tokens, ended: tokens.at(-1) === END, text: '' },
    }))
    const sources = Object.values(stored.rewards)
    total = responses.map((_, i) =>
      sources.reduce((sum, scores, k) => sum + stored.reward_weights[k]! * scores[i]!, 0),
    )
  })

  const closeTo = (got: number | undefined, expected: number, what: string) =>
    expect(got, what).to.be.closeTo(expected, 1e-5 * Math.max(1, Math.abs(expected)))

  /** Everything of a variant, whose loss is that of another policy than drew the completions. */
  async function check(name: string, variant: Variant, estimator: Estimator): Promise<void> {
    const { mask_truncated_completions: masked } = variant.options
    const task = { config: model.config, stored: model.stored, lora: drew.lora, grpo: estimator.loss }
    const evaluation = await model.open(grpoEvaluationGraph(task))
    const look = async (adapter: FixtureAdapter, changes = {}): Promise<TokenNumbers> => {
      const found = await evaluateTokens(evaluation, { ...adapter.feeds, ...changes }, responses, {
        ...{ batches: [responses.map((_, i) => i)], outputs: ['logps'] as const, what: 'a policy' },
      })
      return found.logps
    }
    const [old, reference] = [await look(drew), await look(drew, loraScale(0))]
    await evaluation.release()

    const divergences = old.map((row, i) => row.map((logp, t) => logp - reference[i]![t]!))
    const sums = divergences.map((row) => row.reduce((sum, kl) => sum + kl, 0))
    const advantages = estimator.advantages(total, estimator.penalised ? sums : undefined)
    expect(largestDifference(advantages, variant.advantages)).to.be.at.most(1e-5)

    const learned = responses.map(({ ended }) => ended || !masked)
    const lengths = responses.map(({ tokens }, i) => (learned[i] ? tokens.length : 0))
    const weighing = { lossType: estimator.lossType, max_completion_length: stored.max_completion_length }
    const cut = { per_device_train_batch_size: 4, gradient_accumulation_steps: 2, seed: 0 }
    const drawn = microBatches(lengths, cut, { num_iterations: 1 }, weighing, 1)
    const inOrder: MicroBatch[] = drawn.map((batch, i) => ({
      ...batch,
      rows: [0, 1, 2, 3].map((row) => row + 4 * i),
      onPolicy: false,
    }))
    // Weights are those of the rows, whichever batch they come in; of bnpo those of the batch.
    const weights = inOrder.map(({ rows }) =>
      rows.map((row) => {
        const tokens = rows.reduce((sum, other) => sum + lengths[other]!, 0)
        const batch = drawn.find((one) => one.rows.includes(row))!
        return estimator.lossType === 'bnpo' ? 1 / (2 * tokens) : batch.tokenWeights[batch.rows.indexOf(row)]!
      }),
    )
    const session = await model.open(grpoTrainingGraph(task))
    const gradients: Record<string, number[]> = {}
    const statistics = []
    for (const [i, batch] of inOrder.entries()) {
      const feeds = batchFeeds(
        estimator,
        { ...batch, tokenWeights: weights[i]! },
        { responses, advantages, old, reference },
      )
      const got = numbersOf(await session.run({ ...feeds, ...moved.feeds }))
      closeTo(got['loss']![0], variant.losses[i]!, `loss of batch ${i}`)
      for (const [tensor, values] of Object.entries(got))
        if (tensor.endsWith('_grad'))
          gradients[tensor] = values.map((value, k) => value + (gradients[tensor]?.[k] ?? 0))
      const of = <T>(values: readonly T[]): T[] => batch.rows.map((row) => values[row]!)
      const outcome = {
        logps: perResponse(got['logps']!, of(responses)),
        entropies: perResponse(got['entropies']!, of(responses)),
        ...{ oldLogps: of(old), advantages: of(advantages), learned: of(learned) },
        reference: estimator.loss.beta > 0 ? of(reference) : undefined,
      }
      statistics.push(batchStatistics(outcome, estimator))
    }
    await session.release()
    await expectGradients(gradients, 'grpo', 'gradients', `${name}.safetensors`)
    const all: Record<string, number> = {
      ...meanStatistics(statistics),
      ...rewardStatistics({ total, each: stored.rewards }),
      frac_reward_zero_std: 0,
    }
    for (const [metric, value] of Object.entries(variant.metrics))
      // RLOO's divergence is of the completions as they were drawn; the update takes its mean.
      closeTo(metric === 'kl' && estimator.penalised ? kl(divergences) : all[metric], value, metric)
  }

  const kl = (rows: TokenNumbers) => rows.flat().reduce((sum, one) => sum + one, 0) / rows.flat().length

  const shared = () => ({
    reward_funcs: Object.keys(stored.rewards).map((name) => ({ function: `${name}.ts` })),
    reward_weights: stored.reward_weights,
    num_generations: stored.num_generations,
    max_completion_length: stored.max_completion_length,
  })
  for (const name of [
    'grpo',
    'bnpo_batch',
    'dr_grpo_none',
    'dapo_masked',
    'sequence',
    'two_sided_kl',
    'sequence_kl',
    'warm',
  ])
    it(`${name}: advantages, losses, gradients and metrics`, () => {
      const variant = stored.grpo[name]!
      const options = grpoOptionsSchema.parse({ ...shared(), ...variant.options })
      return check(name, variant, grpoEstimator(options))
    })
  for (const name of ['rloo', 'rloo_kl'])
    it(`${name}: advantages, losses, gradients and metrics`, () => {
      const variant = stored.rloo[name]!
      const options = rlooOptionsSchema.parse({ ...shared(), ...variant.options })
      return check(name, variant, rlooEstimator(options))
    })
})
