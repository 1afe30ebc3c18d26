import { expect } from 'chai'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { openSplit } from '../../src/runs/split.ts'
import { findModel } from '../../src/models/find_model.ts'
import { readModelConfig } from '../../src/formats/model_config.ts'
import { tensorFeeds } from '../../src/formats/tensor_feeds.ts'
import { readTensors } from '../../src/formats/safetensors.ts'
import { openClassifier } from '../../src/models/open_classifier.ts'
import { trainedFeeds } from '../../src/models/trained_feeds.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import { collateClasses } from '../../src/tasks/classification.ts'
import { checkBaseline, evaluateRun } from '../../src/evaluation/evaluate_run.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { largestDifference, numbersOf } from '../graphs/gpt2_fixtures.ts'
import { tinyConfig } from '../tiny_model.ts'
import { createTinyRun } from './tiny_run.ts'

const rows = [
  ...['the sun is up', 'a warm day', 'light and sun'].map((text) => ({ text, label: 'joy' })),
  ...['rain again, and no end', 'a cold rain', 'dark, cold and wet days'].map((text) => ({
    text,
    label: 'sadness',
  })),
  ...['who took it?', 'give it back at once'].map((text) => ({ text, label: 'anger' })),
]
const CLASSES = ['anger', 'joy', 'sadness']

/** A trained classifier. */
async function trainedRun(folder: string, config: object): Promise<string> {
  const { run } = await createTinyRun(folder, rows, {
    task: 'classification',
    max_steps: 6,
    eval_steps: 3,
    learning_rate: 1e-2,
    ...config,
  })
  await continueRun(run)
  return run
}

/** The evaluation artifact's class probabilities with the tensors of the best checkpoint, of the rows in their order. */
async function evaluated(run: string, pooling: 'last' | 'mean'): Promise<number[][]> {
  const found = await findModel(run)
  const { feeds } =
    found.base === run
      ? await trainedFeeds(found, await readModelConfig(run))
      : { feeds: tensorFeeds(await readTensors(join(found.base, 'model.safetensors'))) }
  const data = await openSplit(run, 'validation')
  const sequences = Array.from({ length: data.size }, (_, row) => [data.row(row)])
  data.close()
  const session = await openNodeSession(join(run, 'eval_model.onnx'))
  const outputs = await session.run({
    ...collateClasses(sequences, { config: tinyConfig, pooling }, 1),
    ...feeds,
  })
  await session.release()
  const logits = numbersOf(outputs)['logits']!
  return sequences.map((_, b) => {
    const exponentials = logits.slice(3 * b, 3 * b + 3).map(Math.exp)
    const sum = exponentials.reduce((total, value) => total + value, 0)
    return exponentials.map((value) => value / sum)
  })
}

const argmax = (values: readonly number[]): number => values.indexOf(Math.max(...values))

describe('a run of a classifier', () => {
  for (const [title, lora, pooling] of [
    ['adapters', { r: 4, lora_alpha: 8 }, 'last'],
    ['every parameter', 'full', 'mean'],
    ['the head alone', 'none', 'mean'],
    ['the head alone', 'none', 'last'],
  ] as const) {
    it(`opens with what it has trained: ${title}, pooling ${pooling}`, async () => {
      await withFolder(async (folder) => {
        const run = await trainedRun(folder, { lora, pooling })
        const expected = await evaluated(run, pooling)
        const texts = rows.map(({ text }) => text)
        for (const place of [run, join(run, 'checkpoints', 'best')]) {
          const classifier = await openClassifier(place, { batch: 3 })
          expect(classifier.classes).to.deep.equal(CLASSES)
          const got = await classifier.classify(texts)
          expect(
            largestDifference(
              got.flatMap((row) => [...row]),
              expected.flat(),
            ),
            place,
          ).to.be.below(1e-5)
          const alone = await classifier.classify([texts[5]!])
          expect(largestDifference(alone[0]!, expected[5]!)).to.be.below(1e-5)
          await classifier.release()
        }

        const result = await evaluateRun(run, 'validation')
        if (result.task !== 'classification') throw new Error(result.task)
        const right = rows.filter(({ label }, i) => CLASSES[argmax(expected[i]!)] === label)
        expect(result.report.accuracy).to.equal(right.length / rows.length)
        const nll = rows.map(({ label }, i) => -Math.log(expected[i]![CLASSES.indexOf(label)]!))
        expect(result.loss).to.be.closeTo(nll.reduce((sum, value) => sum + value, 0) / rows.length, 1e-5)
      })
    })
  }

  it('keeps the best checkpoint by accuracy and tells of every metric in its log', async () => {
    await withFolder(async (folder) => {
      const run = await trainedRun(folder, { metric_for_best_model: 'eval_accuracy', max_steps: 9 })
      const log = (await readFile(join(run, 'log.jsonl'), 'utf8')).trim().split('\n')
      const records = log.map((line) => JSON.parse(line) as Record<string, number>)
      const evaluations = records.filter((record) => 'eval_loss' in record && record['step']! > 0)
      expect(evaluations.length).to.equal(3)
      for (const record of evaluations)
        expect(record).to.have.all.keys(
          'step',
          'epoch',
          'eval_loss',
          'eval_accuracy',
          'eval_macro_f1',
          'best',
        )
      const accuracies = evaluations.map(({ eval_accuracy }) => eval_accuracy!)
      const best = evaluations[argmax(accuracies)]!
      const state = JSON.parse(
        await readFile(join(run, 'checkpoints', 'best', 'trainer_state.json'), 'utf8'),
      ) as object
      expect(state).to.include({ best_metric: best['eval_accuracy'], best_step: best['step'] })
      const result = await evaluateRun(run, 'validation', 'best')
      expect(result).to.nested.include({ 'report.accuracy': best['eval_accuracy'] })
    })
  })

  it('refuses options of another task before it writes anything', async () => {
    await withFolder(async (folder) => {
      const refusals = [
        [{ task: 'classification', packing: true }, /^packing is not for task classification/],
        [
          { metric_for_best_model: 'eval_accuracy' },
          /^task sft has no metric eval_accuracy; choose eval_loss/,
        ],
      ] as const
      for (const [config, message] of refusals)
        expect(await userError(() => createTinyRun(folder, rows, config))).to.match(message)
      expect(await readdir(folder)).to.not.include('run')
    })
  })

  it('has no head before training, which is said', async () => {
    await withFolder(async (folder) => {
      const { run, model } = await createTinyRun(folder, rows, { task: 'classification' })
      for (const open of [
        () => openClassifier(run, { checkpoint: 'base' }),
        () => evaluateRun(run, 'validation', 'base'),
      ])
        expect(await userError(open)).to.match(/the model before training has no head; choose best or last/)
      expect(await userError(() => checkBaseline(run))).to.match(/has no head; leave --baseline out$/)
      expect(await userError(() => openClassifier(model))).to.match(/model is no classifier; name a run/)
    })
  })
})
