import { expect } from 'chai'

import { sftTrainingGraph } from '../../graphs/tasks/sft.ts'
import { languageModelTrainable } from '../../graphs/models/language_model.ts'
import { classificationShapes, classificationTrainingGraph } from '../../graphs/tasks/classification.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import type { LoraConfig } from '../../graphs/models/lora_config.ts'
import type { ParameterShapes } from '../../graphs/models/parameters.ts'
import { adamwGraph } from '../../graphs/optimizers/adamw.ts'
import { readPeftAdapter } from '../../src/formats/peft.ts'
import type { FloatTensor } from '../../src/formats/safetensors.ts'
import { readTensors } from '../../src/formats/safetensors.ts'
import { loraScale } from '../../src/runtime/feeds.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import { createParameterMemory } from '../../src/runtime/parameter_memory.ts'
import type { Feeds, HostTensor, Session } from '../../src/runtime/session.ts'
import type { ScheduleName } from '../../src/learning/schedule.ts'
import { learningRate } from '../../src/learning/schedule.ts'
import { gradientTargets, parameterFeeds } from './memory.ts'
import type { BertBatch } from '../graphs/bert_fixtures.ts'
import { adaptedBert, bertFeeds, bertFixture, fixtureBert, readBertFixture } from '../graphs/bert_fixtures.ts'
import type { ClassifierBatch } from '../graphs/classification_fixtures.ts'
import {
  adapted,
  batchFeeds,
  classifierFixture,
  fixtureClassifier,
  readClassifierFixture,
  withHead,
} from '../graphs/classification_fixtures.ts'
import type { FixtureBatch, FixtureModel } from '../graphs/gpt2_fixtures.ts'
import {
  fixture,
  fixtureModel,
  readFixture,
  relativeDifference,
  trainingFeeds,
} from '../graphs/gpt2_fixtures.ts'

interface Curve {
  readonly settings: {
    readonly learning_rate: number
    readonly beta1: number
    readonly beta2: number
    readonly epsilon: number
    readonly weight_decay: number
    readonly max_gradient_norm: number
    readonly schedule: ScheduleName
    readonly warmup_steps: number
    readonly total_steps: number
  }
  readonly steps: readonly {
    readonly step: number
    readonly learning_rate: number
    readonly loss: number
    readonly gradient_norm: number
  }[]
}

/** Loss and gradient norm before the update of each step, and the trained tensors after the last. */
interface Trained {
  readonly steps: readonly { readonly loss: number; readonly norm: number }[]
  readonly parameters: ReadonlyMap<string, Float32Array>
}

interface Setup {
  readonly shapes: ParameterShapes
  readonly openTraining: () => Promise<Session>
  /** Taken in turn. */
  readonly batches: readonly Feeds[]
  readonly initial: ReadonlyMap<string, FloatTensor>
  readonly constants: Feeds
  readonly curve: Curve
}

const rates = ({ settings, steps }: Curve): number[] =>
  steps.map((_, step) =>
    learningRate(
      {
        name: settings.schedule,
        peak: settings.learning_rate,
        warmupSteps: settings.warmup_steps,
        totalSteps: settings.total_steps,
      },
      step,
    ),
  )

/** By the kernels that update in place. */
async function trainInMemory(session: Session, setup: Setup): Promise<Trained> {
  const { batches, curve, initial, constants } = setup
  const { settings } = curve
  const memory = createParameterMemory(setup.shapes)
  for (const name of memory.names) memory.views(name).parameter.set(initial.get(name)!.data)
  const fed = { ...parameterFeeds(memory), ...constants }
  const steps: { loss: number; norm: number }[] = []
  for (const [i, rate] of rates(curve).entries()) {
    const { loss } = await session.run(
      { ...batches[i % batches.length], ...fed },
      { into: gradientTargets(memory) },
    )
    const { gradNorm } = memory.step({
      learningRate: rate,
      step: i + 1,
      beta1: settings.beta1,
      beta2: settings.beta2,
      epsilon: settings.epsilon,
      weightDecay: settings.weight_decay,
      maxGradNorm: settings.max_gradient_norm,
    })
    steps.push({ loss: loss!.data[0] as number, norm: gradNorm })
  }
  return { steps, parameters: new Map(memory.names.map((name) => [name, memory.views(name).parameter])) }
}

/** By the optimizer graph, whose outputs are fed back. */
async function trainByGraph(session: Session, setup: Setup): Promise<Trained> {
  const { batches, curve, initial, constants, shapes } = setup
  const { max_gradient_norm, ...settings } = curve.settings
  const optimizer = await openNodeSession(
    serialize(adamwGraph(shapes, { ...settings, max_grad_norm: max_gradient_norm })),
  )
  const scalar = (value: number): HostTensor => ({ dtype: 'float32', dims: [], data: Float32Array.of(value) })
  let parameters: Record<string, HostTensor> = {}
  let moments: Record<string, HostTensor> = {}
  for (const [name, dims] of shapes) {
    const data = initial.get(name)!.data
    parameters[name] = { dtype: 'float32', dims, data }
    for (const moment of ['exp_avg', 'exp_avg_sq'])
      moments[`${name}_${moment}`] = { dtype: 'float32', dims, data: new Float32Array(data.length) }
  }
  const steps: { loss: number; norm: number }[] = []
  for (const [i, rate] of rates(curve).entries()) {
    const { loss, ...gradients } = await session.run({
      ...batches[i % batches.length],
      ...parameters,
      ...constants,
    })
    const counters = { learning_rate: scalar(rate), step: scalar(i + 1) }
    const updated = await optimizer.run({ ...counters, ...parameters, ...gradients, ...moments })
    steps.push({ loss: loss!.data[0] as number, norm: updated['grad_norm']!.data[0] as number })
    const renewed = (names: readonly string[]) =>
      Object.fromEntries(names.map((name) => [name, updated[`${name}_new`]!]))
    parameters = renewed(Object.keys(parameters))
    moments = renewed(Object.keys(moments))
  }
  await optimizer.release()
  const entries = Object.entries(parameters).map(([name, { data }]) => [name, data as Float32Array] as const)
  return { steps, parameters: new Map(entries) }
}

/** Both curves stay within 1e-5 of PyTorch's in float64 over all steps, loss and gradient norm. */
function expectCurve({ steps }: Trained, curve: Curve): void {
  expect(steps.length).to.equal(curve.settings.total_steps)
  steps.forEach(({ loss, norm }, i) => {
    const expected = curve.steps[i]!
    expect(loss, `loss of step ${expected.step}`).to.be.closeTo(expected.loss, 1e-5)
    expect(norm / expected.gradient_norm, `gradient norm of step ${expected.step}`).to.be.closeTo(1, 1e-4)
  })
}

describe('steps of AdamW against PyTorch', () => {
  let model: FixtureModel
  let batches: Feeds[]
  before(async () => {
    model = await fixtureModel()
    batches = (await readFixture<FixtureBatch[]>('curves', 'batches.json')).map(trainingFeeds)
  })

  async function full(): Promise<Setup> {
    return {
      shapes: languageModelTrainable(model),
      openTraining: () => model.open(sftTrainingGraph(model)),
      batches,
      initial: await readTensors(fixture('model', 'model.safetensors')),
      constants: {},
      curve: await readFixture<Curve>('curves', 'full.json'),
    }
  }

  async function lora(): Promise<Setup> {
    const { tensors, ...adapter } = await readPeftAdapter(fixture('curves', 'lora_initial'))
    const task = { ...model, lora: adapter }
    return {
      shapes: languageModelTrainable(task),
      openTraining: () => model.open(sftTrainingGraph(task)),
      batches,
      initial: tensors,
      constants: loraScale(adapter.lora_alpha / adapter.r),
      curve: await readFixture<Curve>('curves', 'lora.json'),
    }
  }

  async function classifier(): Promise<Setup> {
    const settings = { pooling: 'last', dropout: 0 } as const
    const classifierModel = await fixtureClassifier()
    const { task, tensors } = await adapted(classifierModel, 'lora', settings, ['curve', 'initial'])
    const { r, lora_alpha } = task.lora as LoraConfig
    const stored = await readClassifierFixture<ClassifierBatch[]>('curve', 'batches.json')
    return {
      shapes: classificationShapes(task),
      openTraining: () => classifierModel.open(classificationTrainingGraph(task)),
      batches: stored.map((batch) => batchFeeds(batch, settings.pooling, classifierModel.config)),
      initial: tensors,
      constants: loraScale(lora_alpha / r),
      curve: await readClassifierFixture<Curve>('curve', 'curve.json'),
    }
  }

  async function bert(): Promise<Setup> {
    const model = await fixtureBert()
    const { task, tensors } = await adaptedBert(model, 'lora', 0, ['curve', 'initial'])
    const { r, lora_alpha } = task.lora as LoraConfig
    const stored = await readBertFixture<BertBatch[]>('curve', 'batches.json')
    return {
      shapes: classificationShapes(task),
      openTraining: () => model.open(classificationTrainingGraph(task)),
      batches: stored.map((batch) => bertFeeds(batch, model.config)),
      initial: tensors,
      constants: loraScale(lora_alpha / r),
      curve: await readBertFixture<Curve>('curve', 'curve.json'),
    }
  }

  const finalAdapters = {
    LoRA: fixture('curves', 'lora_final'),
    'a classifier': classifierFixture('curve', 'final'),
    'a BERT': bertFixture('curve', 'final'),
  }
  for (const [title, prepare] of [
    ['full fine-tuning', full],
    ['LoRA', lora],
    ['a classifier', classifier],
    ['a BERT', bert],
  ] as const) {
    it(`${title}, by the kernels in place and by the optimizer graph`, async () => {
      const setup = await prepare()
      rates(setup.curve).forEach((rate, i) =>
        expect(rate).to.be.closeTo(setup.curve.steps[i]!.learning_rate, 1e-12),
      )
      const session = await setup.openTraining()
      const inPlace = await trainInMemory(session, setup)
      const byGraph = await trainByGraph(session, setup)
      await session.release()
      expectCurve(inPlace, setup.curve)
      expectCurve(byGraph, setup.curve)
      for (const [name, data] of inPlace.parameters) {
        // The key part of c_attn.bias has no gradient but rounding, which AdamW scales up.
        if (name.endsWith('c_attn.bias')) continue
        expect(relativeDifference(byGraph.parameters.get(name)!, data), name).to.be.at.most(1e-5)
      }
      if (title === 'full fine-tuning') return
      const final = await readPeftAdapter(finalAdapters[title])
      const expected = final.head ? withHead(final) : final.tensors
      expect([...inPlace.parameters.keys()].sort()).to.deep.equal([...expected.keys()].sort())
      for (const [name, { data }] of expected)
        expect(relativeDifference(inPlace.parameters.get(name)!, data), name).to.be.at.most(1e-5)
    })
  }
})
