import { expect } from 'chai'

import type { SimpoLoss } from '../../graphs/losses/simpo.ts'
import { languageModelTrainable } from '../../graphs/models/language_model.ts'
import { dpoEvaluationGraph, dpoTrainingGraph } from '../../graphs/tasks/dpo.ts'
import { ktoEvaluationGraph, ktoTrainingGraph } from '../../graphs/tasks/kto.ts'
import { rewardEvaluationGraph, rewardShapes, rewardTrainingGraph } from '../../graphs/tasks/reward.ts'
import { backboneShapes } from '../../graphs/models/encoder.ts'
import type { DataSet } from '../../src/data/sets/data_set.ts'
import type { EncodedExample } from '../../src/data/examples/encode.ts'
import { readPeftAdapter } from '../../src/formats/peft.ts'
import type { FloatTensor } from '../../src/formats/safetensors.ts'
import { adaptersOff, loraScale } from '../../src/runtime/feeds.ts'
import { dpoObjective, withoutAdapters } from '../../src/tasks/dpo/dpo.ts'
import { referenceFreeObjective } from '../../src/tasks/reference_free.ts'
import { ktoObjective, logProbabilitiesOf } from '../../src/tasks/kto/kto.ts'
import { rewardObjective } from '../../src/tasks/reward.ts'
import type { ScheduleName } from '../../src/learning/schedule.ts'
import { parameterFeeds } from './memory.ts'
import { pairOf } from '../data/pairs.ts'
import { fixture, openFixtureModel, relativeDifference } from '../graphs/gpt2_fixtures.ts'
import { orpo } from '../graphs/orpo_case.ts'
import { simpo, unlikeTrl } from '../graphs/simpo_case.ts'
import type { Case } from '../graphs/reference_free_cases.ts'
import { readUnpaired } from '../graphs/kto_fixtures.ts'
import { preferenceFixture, readPreferenceFixture } from '../graphs/preference_fixtures.ts'
import type { SmallRuns } from './small_run.ts'
import { openRuns } from './small_run.ts'

interface Curve {
  readonly settings: {
    readonly learning_rate: number
    readonly weight_decay: number
    readonly max_gradient_norm: number
    readonly schedule: ScheduleName
    readonly warmup_steps: number
    readonly total_steps: number
    readonly pairs_per_step?: number
    readonly rows_per_step?: number
    readonly beta?: number
    readonly desirable_weight?: number
    readonly undesirable_weight?: number
    readonly center_rewards_coefficient?: number
  }
  /** With TRL's metrics. */
  readonly steps: readonly (Readonly<Record<string, number>> & { readonly gradient_norm: number })[]
}

interface Pair {
  readonly prompt: readonly number[]
  readonly chosen: readonly number[]
  readonly rejected: readonly number[]
  readonly margin: number
}

/** The adapter of a folder, with its head where it has one. */
async function readTensorsOf(...path: string[]) {
  const { tensors, head, r, lora_alpha, target_modules } = await readPeftAdapter(preferenceFixture(...path))
  const all: ReadonlyMap<string, FloatTensor> = new Map([...tensors, ...(head ?? [])])
  return { lora: { r, lora_alpha, target_modules }, tensors: all, constants: loraScale(lora_alpha / r) }
}

/** Gives out its rows one after the other, whichever is asked for: the order of the fixtures, not of our seed. */
function inOrder(dataset: DataSet): DataSet {
  let next = 0
  return { ...dataset, row: (): EncodedExample => dataset.row(next++ % dataset.size) }
}

async function readPairRows(): Promise<EncodedExample[]> {
  const pairs = await readPreferenceFixture<Pair[]>('pairs.json')
  return pairs.flatMap(({ prompt, chosen, rejected, margin }) => pairOf(prompt, chosen, rejected, margin))
}

/**
 * Trains on the fixtures' rows with their settings, and compares every step and the final tensors with TRL's.
 *
 * @param unlike metrics that TRL has in another way
 */
async function expectCurve(
  runs: SmallRuns,
  folder: readonly string[],
  rows: readonly EncodedExample[],
  learns: object = {},
  unlike: readonly string[] = [],
): Promise<void> {
  const { settings, steps: expected } = await readPreferenceFixture<Curve>(...folder, 'curve.json')
  const trainData = inOrder(await runs.dataset('rows', rows))
  const { steps, memory } = await runs.train(
    {
      learning_rate: settings.learning_rate,
      weight_decay: settings.weight_decay,
      max_grad_norm: settings.max_gradient_norm,
      lr_scheduler_type: settings.schedule,
      warmup_steps: settings.warmup_steps,
      max_steps: settings.total_steps,
      per_device_train_batch_size: settings.pairs_per_step ?? settings.rows_per_step!,
    },
    { trainData, validationData: trainData },
    { evaluate: () => Promise.resolve({ eval_loss: 0 }), ...learns },
  )
  expect(steps.length).to.equal(expected.length)
  for (const [i, { gradient_norm, ...metrics }] of expected.entries()) {
    const step = steps[i]!
    const close = (name: string, wanted: number, relative: number) =>
      expect(step[name], `${name} of step ${step.step}`).to.be.closeTo(
        wanted,
        relative * (1 + Math.abs(wanted)),
      )
    close('grad_norm', gradient_norm, 1e-4)
    for (const [name, wanted] of Object.entries(metrics))
      if (!unlike.includes(name)) close(name, wanted, 1e-5)
  }
  const { tensors } = await readTensorsOf(...folder, 'final')
  expect([...memory.names].sort()).to.deep.equal([...tensors.keys()].sort())
  for (const [name, { data }] of tensors)
    expect(relativeDifference(memory.views(name).parameter, data), name).to.be.at.most(1e-5)
}

/** The same of a task without a reference. */
async function expectReferenceFreeCurve<Options extends object>(
  { name, learns, training, evaluation }: Case<Options>,
  optionsOf: (settings: Curve['settings']) => Options,
  unlike: readonly string[] = [],
): Promise<void> {
  const model = await openFixtureModel(fixture('model'))
  const { settings } = await readPreferenceFixture<Curve>(name, 'curve', 'curve.json')
  const { lora, tensors, constants } = await readTensorsOf(name, 'curve', 'initial')
  const task = { ...model, lora }
  const runs = await openRuns(model, {
    trainable: languageModelTrainable(task),
    training: training(task, optionsOf(settings)),
    evaluation: evaluation(task, optionsOf(settings)),
    objective: referenceFreeObjective(learns),
    judge: () => Promise.resolve({ eval_loss: 0 }),
    initial: tensors,
    constants,
    classes: [],
  })
  await expectCurve(runs, [name, 'curve'], await readPairRows(), {}, unlike)
  await runs.release()
}

describe('steps of preference learning against TRL', () => {
  it('direct preference optimization', async () => {
    const model = await openFixtureModel(fixture('model'))
    const { settings } = await readPreferenceFixture<Curve>('dpo', 'curve', 'curve.json')
    const { lora, tensors, constants } = await readTensorsOf('dpo', 'curve', 'initial')
    const dpo = {
      loss_type: 'sigmoid',
      beta: settings.beta!,
      label_smoothing: 0,
      length_normalised: false,
    } as const
    const task = { ...model, lora, dpo }
    const runs = await openRuns(model, {
      trainable: languageModelTrainable(task),
      training: dpoTrainingGraph(task),
      evaluation: dpoEvaluationGraph(task),
      objective: dpoObjective(() => Promise.reject(new Error('there is no reference'))),
      judge: () => Promise.resolve({ eval_loss: 0 }),
      initial: tensors,
      constants,
      classes: [],
    })
    const parameters = { ...parameterFeeds(runs.memory()), ...constants }
    const objective = dpoObjective(withoutAdapters(runs.evaluation, parameters))
    await expectCurve(runs, ['dpo', 'curve'], await readPairRows(), { objective })
    await runs.release()
  })

  it('Kahneman-Tversky optimization', async () => {
    const model = await openFixtureModel(fixture('model'))
    const { settings } = await readPreferenceFixture<Curve>('kto', 'curve', 'curve.json')
    const { lora, tensors, constants } = await readTensorsOf('kto', 'curve', 'initial')
    const kto = {
      beta: settings.beta!,
      desirable_weight: settings.desirable_weight!,
      undesirable_weight: settings.undesirable_weight!,
    }
    const task = { ...model, lora, kto }
    const unused = () => Promise.reject(new Error('expectCurve is given the objective'))
    const settingsOf = { anchored: true, batchSize: settings.rows_per_step!, longest: 32 }
    const runs = await openRuns(model, {
      trainable: languageModelTrainable(task),
      training: ktoTrainingGraph(task),
      evaluation: ktoEvaluationGraph(task),
      objective: ktoObjective({ policy: unused, reference: unused, ...settingsOf }),
      judge: () => Promise.resolve({ eval_loss: 0 }),
      initial: tensors,
      constants,
      classes: [],
    })
    const memory = runs.memory()
    const parameters = { ...parameterFeeds(memory), ...constants }
    const objective = ktoObjective({
      policy: logProbabilitiesOf(runs.evaluation, parameters),
      reference: logProbabilitiesOf(runs.evaluation, adaptersOff(parameters)),
      ...settingsOf,
    })
    await expectCurve(runs, ['kto', 'curve'], await readUnpaired(), { objective, memory })
    await runs.release()
  })

  it('odds ratio preference optimization', () =>
    expectReferenceFreeCurve(orpo, ({ beta }) => ({ beta: beta! })))

  it('simple preference optimization', async () => {
    const { settings } = await readPreferenceFixture<{ settings: SimpoLoss }>('simpo', 'curve', 'curve.json')
    const { beta, simpo_gamma, label_smoothing, cpo_alpha } = settings
    const options = { beta, simpo_gamma, label_smoothing, cpo_alpha }
    await expectReferenceFreeCurve(simpo, () => options, unlikeTrl(options))
  })

  it('a reward model, with margins and centering', async () => {
    const model = await openFixtureModel(fixture('model'), backboneShapes)
    const folder = ['reward', 'gpt2', 'curve']
    const { settings } = await readPreferenceFixture<Curve>(...folder, 'curve.json')
    const { lora, tensors, constants } = await readTensorsOf(...folder, 'initial')
    const task = {
      ...model,
      lora,
      pooling: 'last' as const,
      dropout: 0,
      center_rewards_coefficient: settings.center_rewards_coefficient!,
    }
    const runs = await openRuns(model, {
      trainable: rewardShapes(task),
      training: rewardTrainingGraph(task),
      evaluation: rewardEvaluationGraph(task),
      objective: rewardObjective({ ...task, width: model.config.n_embd, seed: 1 }),
      judge: () => Promise.resolve({ eval_loss: 0 }),
      initial: tensors,
      constants,
      classes: [],
    })
    await expectCurve(runs, folder, await readPairRows())
    await runs.release()
  })
})
