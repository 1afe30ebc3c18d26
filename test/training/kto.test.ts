import { expect } from 'chai'
import fc from 'fast-check'

import { languageModelTrainable } from '../../graphs/models/language_model.ts'
import { ktoEvaluationGraph, ktoTrainingGraph } from '../../graphs/tasks/kto.ts'
import { promptLength } from '../../src/data/examples/encode.ts'
import type { EncodedExample } from '../../src/data/examples/encode.ts'
import { readPeftAdapter } from '../../src/formats/peft.ts'
import type { FloatTensor } from '../../src/formats/safetensors.ts'
import { readTensors } from '../../src/formats/safetensors.ts'
import type { StepRecord } from '../../src/learning/listeners.ts'
import type { TrainingOptions } from '../../src/learning/options.ts'
import { createRandom } from '../../src/random.ts'
import { adaptersOff, loraScale } from '../../src/runtime/feeds.ts'
import type { Tensors } from '../../src/runtime/session.ts'
import type { LogProbabilities } from '../../src/tasks/kto/kto.ts'
import { evaluateKto, ktoObjective, logProbabilitiesOf, measureReference } from '../../src/tasks/kto/kto.ts'
import { ktoMetrics } from '../../src/tasks/kto/metrics.ts'
import { mismatchedBatches, rowsBefore } from '../../src/tasks/kto/mismatched.ts'
import { unpairedOf } from '../data/unpaired.ts'
import { fixture, fixtureModel, largestDifference } from '../graphs/gpt2_fixtures.ts'
import { parameterFeeds } from './memory.ts'
import type { RunData, SmallRuns } from './small_run.ts'
import { openRuns } from './small_run.ts'

const LOSS = { beta: 0.5, desirable_weight: 1, undesirable_weight: 1.5 }
const LONGEST = 32

/** Desirable and undesirable rows in turn, with prompts of 1 to 8 tokens and answers of 1 to 10. */
function randomRows(count: number, name: string): EncodedExample[] {
  const { integer } = createRandom('random unpaired rows', name)
  const ids = (most: number) => Array.from({ length: 1 + integer(most) }, () => integer(97))
  return Array.from({ length: count }, (_, i) => unpairedOf(ids(8), ids(10), i % 2 === 0))
}

type Kind = 'lora' | 'fresh' | 'full'

/** Runs of KTO, with what they start from as policy and reference. */
interface KtoRuns extends SmallRuns {
  readonly parameters: Tensors
  readonly reference: LogProbabilities
  readonly learn: (
    options: Partial<TrainingOptions>,
    data: RunData,
    anchored?: boolean,
  ) => ReturnType<SmallRuns['train']>
}

/** @param kind `fresh` are adapters that change nothing yet */
async function openKtoRuns(kind: Kind): Promise<KtoRuns> {
  const model = await fixtureModel()
  const { tensors, ...lora } = await readPeftAdapter(fixture('lora', 'attention'))
  const task = { ...model, kto: LOSS, lora: kind === 'full' ? ('full' as const) : lora }
  const constants = kind === 'full' ? {} : loraScale(lora.lora_alpha / lora.r)
  const zeros = (name: string, { shape, data }: FloatTensor): FloatTensor =>
    name.endsWith('lora_B.weight') ? { shape, data: new Float32Array(data.length) } : { shape, data }
  const initial = {
    full: await readTensors(fixture('model', 'model.safetensors')),
    lora: tensors,
    fresh: new Map([...tensors].map(([name, tensor]) => [name, zeros(name, tensor)])),
  }[kind]
  const unused = () => Promise.reject(new Error('learn gives them'))
  const runs = await openRuns(model, {
    trainable: languageModelTrainable(task),
    training: ktoTrainingGraph(task),
    evaluation: ktoEvaluationGraph(task),
    objective: ktoObjective({
      policy: unused,
      reference: unused,
      anchored: true,
      batchSize: 4,
      longest: LONGEST,
    }),
    judge: unused,
    initial,
    constants,
    classes: [],
  })
  const { evaluation } = runs
  const start = { ...parameterFeeds(runs.memory()), ...constants }
  const reference = logProbabilitiesOf(evaluation, kind === 'full' ? start : adaptersOff(start))
  return {
    ...runs,
    parameters: start,
    reference,
    async learn(options, data, anchored = true) {
      const memory = runs.memory((options.gradient_accumulation_steps ?? 1) > 1)
      const parameters = { ...parameterFeeds(memory), ...constants }
      const judged = { batchSize: 4, longest: LONGEST }
      const measured = await measureReference(reference, data.validationData, { ...judged, anchored })
      return runs.train(options, data, {
        memory,
        objective: ktoObjective({
          policy: logProbabilitiesOf(evaluation, parameters),
          reference,
          anchored,
          batchSize: options.per_device_train_batch_size ?? 4,
          longest: LONGEST,
        }),
        async evaluate(given) {
          const { loss, metrics } = await evaluateKto(
            evaluation,
            given,
            data.validationData,
            measured,
            judged,
          )
          return { eval_loss: loss, 'eval_rewards/margins': metrics['rewards/margins']! }
        },
      })
    },
  }
}

/** The numbers that a step logs beside its own. */
const metricsOf = (step: StepRecord): Record<string, number> =>
  Object.fromEntries(Object.entries(step).filter(([name]) => name === 'kl' || name.includes('/'))) as Record<
    string,
    number
  >

describe('Kahneman-Tversky optimization', () => {
  let runs: KtoRuns
  let data: RunData
  before(async () => {
    runs = await openKtoRuns('lora')
    data = {
      trainData: await runs.dataset('train', randomRows(30, 'train')),
      validationData: await runs.dataset('validation', randomRows(9, 'validation')),
    }
  })
  after(() => runs.release())

  for (const kind of ['lora', 'full'] as const) {
    it(`does the same by batch 4 × accumulation 1, 2 × 2 and 1 × 4, ${kind}`, async () => {
      const opened = await openKtoRuns(kind)
      const learn = (batch: number, accumulation: number) =>
        opened.learn(
          {
            per_device_train_batch_size: batch,
            gradient_accumulation_steps: accumulation,
            max_steps: 15,
            learning_rate: 5e-3,
          },
          data,
        )
      const whole = await learn(4, 1)
      expect(whole.steps.length).to.equal(15)
      expect(Math.max(...whole.steps.map(({ kl }) => kl as number))).to.be.greaterThan(0.1)
      for (const cut of [await learn(2, 2), await learn(1, 4)]) {
        cut.steps.forEach((step, i) => {
          const wanted = whole.steps[i]!
          expect(step.loss, `loss of step ${step.step}`).to.be.closeTo(wanted.loss, 1e-4)
          expect(step.grad_norm, `norm of step ${step.step}`).to.be.closeTo(
            wanted.grad_norm,
            1e-3 * (1 + wanted.grad_norm),
          )
          const [got, all] = [metricsOf(step), metricsOf(wanted)]
          expect(Object.keys(got)).to.deep.equal(Object.keys(all))
          expect(largestDifference(Object.values(got), Object.values(all))).to.be.below(1e-3)
        })
      }
      await opened.release()
    })
  }

  it('begins at half of the mean weight where policy and reference are one, and learns which answers are desirable', async () => {
    const opened = await openKtoRuns('fresh')
    const seen = { ...data, validationData: data.trainData }
    const { steps, evaluations } = await opened.learn(
      { max_steps: 60, per_device_train_batch_size: 10, learning_rate: 1e-2 },
      seen,
    )
    const rows = await opened.learn({ max_steps: 1, per_device_train_batch_size: 30 }, seen)
    // 15 rows of weight 1 and 15 of 1.5, each at 1 − σ(0)
    expect(rows.steps[0]!.loss).to.be.closeTo((15 * 1 + 15 * 1.5) / 30 / 2, 1e-5)
    expect(rows.steps[0]!['kl']).to.be.closeTo(0, 1e-4)
    expect(evaluations.at(-1)!.eval_loss).to.be.below(0.25)
    expect(evaluations.at(-1)!['eval_rewards/margins']).to.be.greaterThan(1)
    expect(steps.at(-1)!['rewards/chosen']).to.be.greaterThan(0)
    expect(steps.at(-1)!['rewards/rejected']).to.be.below(0)
    await opened.release()
  })

  it('asks for no mismatched rows where there is no z₀, and logs it as 0', async () => {
    const { steps } = await runs.learn({ max_steps: 3, per_device_train_batch_size: 4 }, data, false)
    for (const { kl } of steps) expect(kl).to.equal(0)
    const measured = await measureReference(runs.reference, data.validationData, {
      anchored: false,
      batchSize: 4,
      longest: LONGEST,
    })
    expect(measured.own.length).to.equal(9)
    expect(measured.mismatched).to.deep.equal([])
  })

  it('judges the same whatever the batch size, with the z₀ of all rows', async () => {
    // One that finds all answers less likely, so that z₀ is above 0.
    const reference: LogProbabilities = async (rows) => (await runs.reference(rows)).map((logp) => logp - 2)
    const judge = async (batchSize: number) => {
      const options = { batchSize, longest: LONGEST }
      const measured = await measureReference(reference, data.validationData, {
        ...options,
        anchored: true,
      })
      return evaluateKto(runs.evaluation, runs.parameters, data.validationData, measured, options)
    }
    const one = await judge(1)
    expect(one.kl).to.be.greaterThan(0)
    for (const batchSize of [2, 4, 9, 20]) {
      const { loss, kl, metrics } = await judge(batchSize)
      expect(loss).to.be.closeTo(one.loss, 1e-5)
      expect(kl).to.be.closeTo(one.kl, 1e-5)
      expect(largestDifference(Object.values(metrics), Object.values(one.metrics))).to.be.below(1e-4)
    }
  })

  it('counts metrics as TRL does: of a kind without rows, none; the mean logit by tokens', () => {
    const rows = [
      unpairedOf([1], [2, 3, 4], true),
      unpairedOf([1, 2], [3], false),
      unpairedOf([1], [2], true),
    ].map((row) => [row])
    const tensor = (...values: number[]) =>
      ({ dtype: 'float32', dims: [values.length], data: Float32Array.from(values) }) as const
    const parts = [
      { rewards: tensor(2, 1), logps: tensor(-3, -5), logits: tensor(1, 2) },
      { rewards: tensor(0.5), logps: tensor(-4), logits: tensor(5) },
    ]
    const chosen = { 'rewards/chosen': 1.25, 'logps/chosen': -3.5, 'logits/chosen': (3 * 1 + 5) / 4 }
    expect(ktoMetrics(parts, rows)).to.deep.equal({
      ...chosen,
      'rewards/rejected': 1,
      'logps/rejected': -5,
      'logits/rejected': 2,
      'rewards/margins': 0.25,
    })
    const of = { rewards: tensor(2, 0.5), logps: tensor(-3, -4), logits: tensor(1, 5) }
    expect(ktoMetrics([of], [rows[0]!, rows[2]!])).to.deep.equal(chosen)
  })
})

describe('mismatched rows', () => {
  const inMemory = (rows: readonly EncodedExample[]) => ({ size: rows.length, row: (i: number) => rows[i]! })
  const mixed = (rows: readonly EncodedExample[], batchSize = 100, longest = 100) =>
    [...mismatchedBatches(inMemory(rows), { batchSize, longest })].flatMap((batch) =>
      batch.map(([row]) => [
        row!.input_ids.subarray(0, promptLength(row!)).join(),
        row!.input_ids.subarray(promptLength(row!)).join(),
      ]),
    )

  it('are a prompt with the completion of the row before, the first with that of the last, cut where too long', () => {
    const rows = [
      unpairedOf([1, 1], [2], true),
      unpairedOf([3], [4, 5], false),
      unpairedOf([6], [7, 8, 9], true),
    ]
    const wanted = [
      ['1,1', '7,8,9'],
      ['3', '2'],
      ['6', '4,5'],
    ]
    for (const batchSize of [1, 2, 3, 5]) expect(mixed(rows, batchSize)).to.deep.equal(wanted)
    expect(mixed(rows, 3, 3)[0]).to.deep.equal(['1,1', '7'])
  })

  it('pass over rows of the same prompt, as the answers of a pair, and are none of a single prompt', () => {
    const rows = [
      unpairedOf([1], [2], true),
      unpairedOf([1], [3], false),
      unpairedOf([4], [5], true),
      unpairedOf([4], [6], false),
    ]
    expect(mixed(rows)).to.deep.equal([
      ['1', '6'],
      ['1', '6'],
      ['4', '3'],
      ['4', '3'],
    ])
    expect(mixed(rows.slice(0, 2))).to.deep.equal([])
    expect(mixed(rows.slice(0, 1))).to.deep.equal([])
  })

  it('are the nearest before with another prompt (property)', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 12 }), (prompts) => {
        const size = prompts.length
        const before = (i: number) => {
          let other = (i + size - 1) % size
          while (prompts[other] === prompts[i]) other = (other + size - 1) % size
          return other
        }
        const alike = new Set(prompts).size === 1
        expect(rowsBefore(prompts)).to.deep.equal(alike ? [] : prompts.map((_, i) => before(i)))
      }),
    )
  })
})
