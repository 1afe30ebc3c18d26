import { expect } from 'chai'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

import {
  classificationEvaluationGraph,
  classificationShapes,
  classificationTrainingGraph,
} from '../../graphs/tasks/classification.ts'
import type { Pooling } from '../../graphs/layers/pooling.ts'
import { HEAD } from '../../graphs/models/encoder.ts'
import type { EncodedExample } from '../../src/data/examples/encode.ts'
import type { Trained } from '../../src/runs/checkpoint.ts'
import { readCheckpoint, writeCheckpoint } from '../../src/runs/checkpoint.ts'
import { TRAINED_FILE } from '../../src/formats/trained_file.ts'
import { hostState } from '../../src/runtime/host_state.ts'
import type { ParameterViews } from '../../src/runtime/parameter_memory.ts'
import {
  classificationObjective,
  collateClasses,
  evaluateClassification,
} from '../../src/tasks/classification.ts'
import type { Metrics } from '../../src/learning/listeners.ts'
import { parameterFeeds } from './memory.ts'
import { initialState } from '../../src/learning/trainer_state.ts'
import { withFolder } from '../data/helpers.ts'
import type { AdaptationName } from '../graphs/classification_fixtures.ts'
import { adapted, FIXTURE_CLASSES, fixtureClassifier } from '../graphs/classification_fixtures.ts'
import { largestDifference, numbersOf } from '../graphs/gpt2_fixtures.ts'
import { rejection } from '../rejection.ts'
import type { RunData, SmallRuns } from './small_run.ts'
import { tinyConfig } from '../tiny_model.ts'
import { openRuns, randomExamples, trainedTensors } from './small_run.ts'

const DROPOUT = 0.25
const WIDTH = 24
const tokens = { config: tinyConfig, pooling: 'last' } as const

/** Texts of 3 to 20 tokens, whose class is the third of the vocabulary that the last one lies in. */
const labelled = (count: number, name: string): EncodedExample[] =>
  randomExamples(count, name).map(({ input_ids }) => ({
    input_ids,
    labels: Int32Array.of(Math.floor((3 * input_ids.at(-1)!) / 97)),
  }))

async function openClassifierRuns(
  name: AdaptationName,
  pooling: Pooling,
  dropout = DROPOUT,
): Promise<SmallRuns & { readonly trained: Trained }> {
  const model = await fixtureClassifier()
  const { task, tensors, feeds } = await adapted(model, name, { pooling, dropout })
  const { lora_scale } = feeds
  const runs = await openRuns(model, {
    trainable: classificationShapes(task),
    training: classificationTrainingGraph(task),
    evaluation: classificationEvaluationGraph(task),
    objective: classificationObjective({ config: model.config, pooling, dropout, width: WIDTH, seed: 42 }),
    judge: async (evaluation, parameters, data) => {
      const { loss, report } = await evaluateClassification(evaluation, parameters, data, {
        batchSize: 8,
        config: model.config,
        pooling,
      })
      return { eval_loss: loss, eval_accuracy: report.accuracy, eval_macro_f1: report.macro.f1 }
    },
    initial: tensors,
    constants: lora_scale ? { lora_scale } : {},
    classes: FIXTURE_CLASSES,
  })
  const head = { kind: 'classes', classes: FIXTURE_CLASSES, pooling, dropout } as const
  const trained = { lora: task.lora, head, config: model.config, baseModel: null, companions: '' }
  return { ...runs, trained }
}

describe('classification training', () => {
  let runs: SmallRuns
  let data: RunData
  before(async () => {
    runs = await openClassifierRuns('lora', 'last')
    data = {
      trainData: await runs.dataset('train', labelled(45, 'train')),
      validationData: await runs.dataset('validation', labelled(24, 'validation')),
    }
  })
  after(() => runs.release())

  for (const [name, pooling] of [
    ['lora', 'last'],
    ['full', 'mean'],
    ['none', 'last'],
  ] as const) {
    it(`does the same by batch 1 × accumulation 8, 2 × 4 and 8 × 1, with dropout: ${name}, ${pooling}`, async () => {
      const opened = await openClassifierRuns(name, pooling)
      const train = (batch: number, accumulation: number) =>
        opened.train(
          {
            per_device_train_batch_size: batch,
            gradient_accumulation_steps: accumulation,
            max_steps: 20,
            learning_rate: 5e-3,
            weight_decay: 0.01,
          },
          data,
        )
      const whole = await train(8, 1)
      expect(whole.steps.length).to.equal(20)
      for (const cut of [await train(1, 8), await train(2, 4)]) {
        cut.steps.forEach(({ loss, grad_norm, ...same }, i) => {
          const step = whole.steps[i]!
          expect(loss, `loss of step ${step.step}`).to.be.closeTo(step.loss, 1e-4)
          expect(grad_norm, `gradient norm of step ${step.step}`).to.be.closeTo(step.grad_norm, 1e-4)
          expect(step).to.include(same)
        })
      }
      await opened.release()
    })
  }

  it('learns its examples by heart, in spite of the dropout', async () => {
    const seen = { ...data, validationData: data.trainData }
    const { evaluations } = await runs.train({ max_steps: 90, eval_steps: 45, learning_rate: 2e-2 }, seen)
    expect(evaluations.at(-1)!.eval_accuracy).to.be.greaterThan(0.95)
    expect(evaluations.at(-1)!.eval_loss).to.be.below(0.2)
  })

  it('goes on from a state in the middle of an epoch with the same dropout, to the same bits', async () => {
    const options = {
      max_steps: 12,
      per_device_train_batch_size: 2,
      gradient_accumulation_steps: 2,
      learning_rate: 1e-2,
    }
    const whole = await runs.train(options, data)
    const memory = runs.memory(true)
    const logged: object[] = []
    const stop = new Error('stopped')
    await rejection(
      runs.train(options, data, {
        memory,
        log: (record) => {
          if ('loss' in record) logged.push(record)
          if (record.step === 7) throw stop
        },
      }),
    )
    const state = { ...initialState, global_step: 7, epoch: 0, batch: 7 }
    const second = await runs.train(options, data, { memory, state })
    expect([...logged, ...second.steps]).to.deep.equal(whole.steps)
    expect(trainedTensors(second)).to.deep.equal(trainedTensors(whole))
  })

  it('keeps the checkpoint of the best metric, the first among equals', async () => {
    const script: readonly Metrics[] = [
      { eval_loss: 1.0, eval_accuracy: 0.5, eval_macro_f1: 0.5 },
      { eval_loss: 0.9, eval_accuracy: 0.75, eval_macro_f1: 0.6 },
      { eval_loss: 0.8, eval_accuracy: 0.75, eval_macro_f1: 0.7 },
      { eval_loss: 0.7, eval_accuracy: 0.6, eval_macro_f1: 0.65 },
    ]
    for (const [metric, best] of [
      ['eval_accuracy', 2],
      ['eval_macro_f1', 3],
      ['eval_loss', 4],
    ] as const) {
      let call = 0
      // The first is of before training, and no checkpoint.
      const evaluate = async () => script[Math.max(0, call++ - 1)]!
      const options = { max_steps: 4, eval_steps: 1, metric_for_best_model: metric }
      const { state, saved, evaluations } = await runs.train(options, data, { evaluate })
      const bests = saved.filter(({ name }) => name === 'best').map(({ step }) => step)
      expect(bests, metric).to.deep.equal(Array.from({ length: best }, (_, i) => i + 1))
      expect(state).to.include({
        best_metric: script[best - 1]![metric],
        best_step: best,
        evaluations_without_improvement: 4 - best,
      })
      expect(evaluations.slice(1).map((record) => record[metric])).to.deep.equal(
        script.map((metrics) => metrics[metric]),
      )
    }
  })

  it('measures the same whatever the batch size', async () => {
    const parameters = { ...parameterFeeds(runs.memory()), ...runs.constants }
    const measure = (batchSize: number) =>
      evaluateClassification(runs.evaluation, parameters, data.validationData, { batchSize, ...tokens })
    const one = await measure(1)
    let right = 0
    let sum = 0
    for (let row = 0; row < data.validationData.size; row++) {
      const example = data.validationData.row(row)
      const outputs = await runs.evaluation.run({ ...collateClasses([[example]], tokens, 1), ...parameters })
      const { loss, logits } = numbersOf(outputs)
      sum += loss![0]!
      right += Number(logits!.indexOf(Math.max(...logits!)) === example.labels[0])
    }
    expect(one.report.accuracy).to.equal(right / 24)
    expect(one.loss).to.be.closeTo(sum / 24, 1e-9)
    expect(one.report.classes.map(({ name }) => name)).to.deep.equal(FIXTURE_CLASSES)
    for (const batchSize of [2, 5, 24, 64]) {
      const { loss, report } = await measure(batchSize)
      expect(loss).to.be.closeTo(one.loss, 1e-6)
      expect(report).to.deep.equal(one.report)
    }
  })

  it('drops each feature of each example with the probability given, anew in each step', async () => {
    const settings = { ...tokens, dropout: DROPOUT, width: WIDTH, seed: 3 } as const
    const sequences = labelled(64, 'dropout').map((example) => [example])
    const rows = sequences.map((_, row) => [row])
    const masks = async (step: number, seed = 3) => {
      const { feeds } = classificationObjective({ ...settings, seed })
      const { dropout_mask: mask } = await feeds(sequences, {
        total: 64,
        step,
        first: 0,
        rows,
        all: sequences,
      })
      return numbersOf({ mask: mask! })['mask']!
    }
    const first = await masks(1)
    const kept = Math.fround(1 / (1 - DROPOUT))
    expect(new Set(first)).to.deep.equal(new Set([0, kept]))
    // 1536 draws: the standard deviation of the share is 0.011.
    const share = first.filter((value) => value === 0).length / first.length
    expect(share).to.be.closeTo(DROPOUT, 0.04)
    for (const other of [await masks(2), await masks(1, 4)])
      expect(largestDifference(first, other)).to.equal(kept)
    expect(first.slice(0, WIDTH)).to.not.deep.equal(first.slice(WIDTH, 2 * WIDTH))
    const { feeds } = classificationObjective({ ...settings, dropout: 0 })
    expect(
      await feeds(sequences, { total: 64, step: 1, first: 0, rows, all: sequences }),
    ).to.not.have.property('dropout_mask')
  })

  for (const name of ['none', 'lora', 'full'] as const)
    it(`reads a checkpoint back as it was written, ${name}`, async () => {
      await withFolder(async (folder) => {
        const opened = await openClassifierRuns(name, 'mean')
        const path = join(folder, 'last')
        const options = { max_steps: 3, learning_rate: 1e-2 }
        const outcome = await opened.train(options, data)
        const trained = { ...opened.trained, companions: folder }
        await writeCheckpoint(path, hostState(outcome.memory), trained, outcome.state)
        if (name === 'none')
          expect(await readdir(path)).to.have.members([
            'optimizer.safetensors',
            TRAINED_FILE,
            'trainer_state.json',
          ])
        const memory = opened.memory()
        expect(await readCheckpoint(path, hostState(memory), trained.lora)).to.deep.equal(outcome.state)
        expect(memory.names).to.include(HEAD)
        for (const tensor of memory.names) {
          const kept = ({ parameter, firstMoment, secondMoment }: ParameterViews) =>
            [parameter, firstMoment, secondMoment].map((values) => Float32Array.from(values))
          expect(kept(memory.views(tensor)), tensor).to.deep.equal(kept(outcome.memory.views(tensor)))
        }
        await opened.release()
      })
    })
})
