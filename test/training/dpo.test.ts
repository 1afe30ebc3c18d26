import { expect } from 'chai'

import { languageModelTrainable } from '../../graphs/models/language_model.ts'
import { sftEvaluationGraph } from '../../graphs/tasks/sft.ts'
import { dpoEvaluationGraph, dpoTrainingGraph } from '../../graphs/tasks/dpo.ts'
import type { DpoLoss } from '../../graphs/losses/dpo.ts'
import { collate, totalLabelled } from '../../src/data/batches/collate.ts'
import type { FloatTensor } from '../../src/formats/safetensors.ts'
import { readPeftAdapter } from '../../src/formats/peft.ts'
import { readTensors } from '../../src/formats/safetensors.ts'
import { loraScale } from '../../src/runtime/feeds.ts'
import type { Tensors } from '../../src/runtime/session.ts'
import type { DpoEvaluation, Reference } from '../../src/tasks/dpo/dpo.ts'
import {
  dpoMetrics,
  dpoObjective,
  evaluateDpo,
  measured,
  measureReference,
  withoutAdapters,
} from '../../src/tasks/dpo/dpo.ts'
import { adaptersOff } from '../../src/runtime/feeds.ts'
import type { TrainingOptions } from '../../src/learning/options.ts'
import type { StepRecord } from '../../src/learning/listeners.ts'
import { parameterFeeds } from './memory.ts'
import { pairOf } from '../data/pairs.ts'
import { fixture, fixtureModel, largestDifference } from '../graphs/gpt2_fixtures.ts'
import { randomPairs } from './preference_pairs.ts'
import type { RunData, SmallRuns } from './small_run.ts'
import { openRuns } from './small_run.ts'

const LOSS: DpoLoss = { loss_type: 'sigmoid', beta: 0.5, label_smoothing: 0, length_normalised: false }

const METRICS = [
  'rewards/chosen',
  'rewards/rejected',
  'rewards/accuracies',
  'rewards/margins',
  'logps/chosen',
  'logps/rejected',
  'logits/chosen',
  'logits/rejected',
] as const

/** Runs of DPO, with the parameters that they start from. */
interface DpoRuns extends SmallRuns {
  readonly parameters: Tensors
  readonly learn: (
    options: Partial<TrainingOptions>,
    data: RunData,
    reference: { readonly train: Reference; readonly validation: Reference },
  ) => ReturnType<SmallRuns['train']>
}

/** @param kind `fresh` are adapters that change nothing yet */
async function openDpoRuns(kind: 'lora' | 'fresh' | 'full', dpo: DpoLoss = LOSS): Promise<DpoRuns> {
  const model = await fixtureModel()
  const { tensors, ...lora } = await readPeftAdapter(fixture('lora', 'attention'))
  const task = { ...model, dpo, lora: kind === 'full' ? ('full' as const) : lora }
  const constants = kind === 'full' ? {} : loraScale(lora.lora_alpha / lora.r)
  const zeros = (name: string, { shape, data }: FloatTensor): FloatTensor =>
    name.endsWith('lora_B.weight') ? { shape, data: new Float32Array(data.length) } : { shape, data }
  const initial = {
    full: await readTensors(fixture('model', 'model.safetensors')),
    lora: tensors,
    fresh: new Map([...tensors].map(([name, tensor]) => [name, zeros(name, tensor)])),
  }[kind]
  const unused = () => {
    throw new Error('learn gives them')
  }
  const runs = await openRuns(model, {
    trainable: languageModelTrainable(task),
    training: dpoTrainingGraph(task),
    evaluation: dpoEvaluationGraph(task),
    objective: dpoObjective(unused),
    judge: unused,
    initial,
    constants,
    classes: [],
  })
  const parameters = { ...parameterFeeds(runs.memory()), ...constants }
  return {
    ...runs,
    parameters,
    learn: (options, data, { train, validation }) =>
      runs.train(options, data, {
        objective: dpoObjective(train),
        async evaluate(given) {
          const { loss, metrics } = await evaluateDpo(
            runs.evaluation,
            given,
            data.validationData,
            validation,
            4,
          )
          return { eval_loss: loss, 'eval_rewards/accuracies': metrics['rewards/accuracies'] }
        },
      }),
  }
}

/** The reference measured over both data sets. */
async function measureBoth({ evaluation, parameters }: DpoRuns, { trainData, validationData }: RunData) {
  const base = 'lora_scale' in parameters ? adaptersOff(parameters) : parameters
  const [train, validation] = [
    measured(await measureReference(evaluation, base, trainData, { batchSize: 8 })),
    measured(await measureReference(evaluation, base, validationData, { batchSize: 8 })),
  ]
  return { train, validation }
}

const metricsOf = (record: StepRecord | DpoEvaluation['metrics']): number[] =>
  METRICS.map((name) => (record as Record<string, number>)[name]!)

describe('direct preference optimization', () => {
  let runs: DpoRuns
  let data: RunData
  before(async () => {
    runs = await openDpoRuns('lora')
    data = {
      trainData: await runs.dataset('train', randomPairs(30, 'train')),
      validationData: await runs.dataset('validation', randomPairs(9, 'validation')),
    }
  })
  after(() => runs.release())

  for (const kind of ['lora', 'full'] as const) {
    it(`does the same by batch 4 × accumulation 1, 2 × 2 and 1 × 4, ${kind}`, async () => {
      const opened = await openDpoRuns(kind)
      const reference = await measureBoth(opened, data)
      const learn = (batch: number, accumulation: number) =>
        opened.learn(
          {
            per_device_train_batch_size: batch,
            gradient_accumulation_steps: accumulation,
            max_steps: 15,
            learning_rate: 5e-3,
          },
          data,
          reference,
        )
      const whole = await learn(4, 1)
      expect(whole.steps.length).to.equal(15)
      for (const cut of [await learn(2, 2), await learn(1, 4)]) {
        cut.steps.forEach((step, i) => {
          const wanted = whole.steps[i]!
          expect(step.loss, `loss of step ${step.step}`).to.be.closeTo(wanted.loss, 1e-4)
          expect(step.grad_norm, `norm of step ${step.step}`).to.be.closeTo(
            wanted.grad_norm,
            1e-3 * (1 + wanted.grad_norm),
          )
          expect(largestDifference(metricsOf(step), metricsOf(wanted)), `step ${step.step}`).to.be.below(1e-3)
        })
      }
      await opened.release()
    })
  }

  it('measures the reference as a language model does, row by row', async () => {
    const logps = await measureReference(runs.evaluation, adaptersOff(runs.parameters), data.trainData, {
      batchSize: 4,
    })
    const model = await fixtureModel()
    const session = await model.open(sftEvaluationGraph({ ...model, lora: 'none' }))
    const expected: number[] = []
    for (let row = 0; row < data.trainData.size; row++) {
      const example = data.trainData.row(row)
      const labelled = totalLabelled([example])
      const { loss } = await session.run(collate([[example]], { total: labelled }))
      expected.push(-labelled * (loss!.data[0] as number))
    }
    await session.release()
    expect(logps.length).to.equal(60)
    expect(largestDifference(logps, expected)).to.be.below(1e-4)
  })

  it('learns the same from a reference that is measured before and from one that is asked anew', async () => {
    const before = await measureBoth(runs, data)
    const anew = withoutAdapters(runs.evaluation, runs.parameters)
    const rows = [
      [4, 5],
      [0, 1],
      [18, 19],
    ]
    const pairs = rows.map((pair) => pair.map((row) => data.trainData.row(row)))
    const [one, other] = [await before.train(pairs, rows), await anew(pairs, rows)]
    expect(one.dims).to.deep.equal([3, 2])
    expect(other.dims).to.deep.equal([3, 2])
    expect(largestDifference(Array.from(one.data, Number), Array.from(other.data, Number))).to.be.below(1e-5)

    const options = { max_steps: 8, per_device_train_batch_size: 4, learning_rate: 1e-3 }
    const first = await runs.learn(options, data, before)
    const second = await runs.learn(options, data, { train: anew, validation: anew })
    for (const [i, { loss }] of first.steps.entries()) expect(second.steps[i]!.loss).to.be.closeTo(loss, 1e-5)
  })

  it('begins at log 2 where policy and reference are one, and learns which answers are preferred', async () => {
    const opened = await openDpoRuns('fresh')
    const seen = { ...data, validationData: data.trainData }
    const reference = await measureBoth(opened, seen)
    const start = await evaluateDpo(opened.evaluation, opened.parameters, data.trainData, reference.train, 8)
    expect(start.loss).to.be.closeTo(Math.log(2), 1e-6)
    for (const name of ['rewards/chosen', 'rewards/rejected', 'rewards/margins'] as const)
      expect(start.metrics[name]).to.be.closeTo(0, 1e-5)
    // A tie is no victory: the same sums in the same order leave none of the rewards above the other.
    expect(start.metrics['rewards/accuracies']).to.equal(0)

    const { steps, evaluations } = await opened.learn(
      { max_steps: 60, per_device_train_batch_size: 10, learning_rate: 1e-2 },
      seen,
      reference,
    )
    expect(steps[0]!.loss).to.be.closeTo(Math.log(2), 1e-5)
    expect(evaluations.at(-1)!['eval_rewards/accuracies']).to.be.greaterThan(0.95)
    expect(evaluations.at(-1)!.eval_loss).to.be.below(0.2)
    expect(steps.at(-1)!['rewards/margins']).to.be.greaterThan(2)
    await opened.release()
  })

  it('judges the same whatever the batch size', async () => {
    const { validation } = await measureBoth(runs, data)
    const judge = (batchSize: number) =>
      evaluateDpo(runs.evaluation, runs.parameters, data.validationData, validation, batchSize)
    const one = await judge(1)
    expect(one.loss).to.be.greaterThan(0)
    for (const batchSize of [2, 4, 9, 20]) {
      const { loss, metrics } = await judge(batchSize)
      expect(loss).to.be.closeTo(one.loss, 1e-5)
      expect(largestDifference(metricsOf(metrics), metricsOf(one.metrics))).to.be.below(1e-4)
    }
  })

  it('counts metrics as TRL does: pairs alike, the mean logit by tokens', () => {
    const pairs = [pairOf([1], [2, 3, 4], [5]), pairOf([1, 2], [3], [4, 5])]
    const tensor = (...values: number[]) =>
      ({ dtype: 'float32', dims: [values.length / 2, 2], data: Float32Array.from(values) }) as const
    const parts = [
      { rewards: tensor(2, 1), logps: tensor(-3, -5), logits: tensor(1, 2) },
      { rewards: tensor(0.5, 0.5), logps: tensor(-4, -8), logits: tensor(5, 8) },
    ]
    expect(dpoMetrics(parts, pairs)).to.deep.equal({
      'rewards/chosen': 1.25,
      'rewards/rejected': 0.75,
      'rewards/accuracies': 0.5,
      'rewards/margins': 0.5,
      'logps/chosen': -3.5,
      'logps/rejected': -6.5,
      'logits/chosen': (3 * 1 + 5) / 4,
      'logits/rejected': (2 + 2 * 8) / 3,
    })
  })
})
