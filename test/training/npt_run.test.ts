import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { sizeOf } from '../../graphs/ir/shape.ts'
import { nptShapes } from '../../graphs/models/npt_config.ts'
import { TRAINED_FILE } from '../../src/formats/trained_file.ts'
import { findModel } from '../../src/models/find_model.ts'
import { nptConfigSchema } from '../../src/formats/npt_config.ts'
import type { FloatTensor } from '../../src/formats/safetensors.ts'
import { readTensors, writeSafetensors } from '../../src/formats/safetensors.ts'
import { exportClassifier } from '../../src/exports/export_classifier.ts'
import { exportModel } from '../../src/exports/export_model.ts'
import { openClassifier } from '../../src/models/open_classifier.ts'
import { openGenerator } from '../../src/models/open_generator.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import type { NptEvaluation } from '../../src/tasks/npt_evaluation.ts'
import { evaluateRun } from '../../src/evaluation/evaluate_run.ts'
import type { StepRecord } from '../../src/learning/listeners.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { resealCheckpoint } from '../formats/reseal.ts'
import { inferenceFeeds, largestDifference } from '../graphs/gpt2_fixtures.ts'
import { rejection } from '../rejection.ts'
import { tinyConfig, writeTinyAdapter } from '../tiny_model.ts'
import { createTinyRun } from './tiny_run.ts'

const texts = ['a dog is an animal', 'the sea', 'a tree has leaves, a house has none', 'it rains today']
const rows = texts.map((text, i) => ({ text, label: i % 2 === 0 ? 'thing' : 'place' }))
const shared = {
  lora: undefined,
  template: { text: '{{ text }}' },
  threads: 1,
  per_device_train_batch_size: 2,
  learning_rate: 2e-2,
  max_steps: 12,
  eval_steps: 6,
}
const npt = { rank: 3, modulation_scale: 0.7, init_scale: 0.5, layers: 'all' }
const phase1 = (attention_residual: boolean) => ({
  ...shared,
  task: 'equivalence',
  npt: { ...npt, attention_residual },
})
const names = [...nptShapes(tinyConfig, nptConfigSchema.parse(npt)).keys()]

const created = async (folder: string, config: object): Promise<string> =>
  (await createTinyRun(folder, rows, { ...shared, ...config })).run

async function trained(folder: string, config: object): Promise<string> {
  const run = await created(folder, config)
  await continueRun(run)
  return run
}

const best = (run: string, ...file: string[]): string => join(run, 'checkpoints', 'best', ...file)
const tensorsOf = (run: string): Promise<Map<string, FloatTensor>> => readTensors(best(run, TRAINED_FILE))

type Record = StepRecord & {
  readonly eval_loss?: number
  readonly equivalence: readonly number[]
  readonly low_magnitude: readonly number[]
}
const log = async (run: string): Promise<Record[]> =>
  (await readFile(join(run, 'log.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record)

/** The losses of evaluations in training, in order. */
const evaluated = async (run: string): Promise<number[]> =>
  (await log(run)).flatMap(({ step, eval_loss }) =>
    eval_loss === undefined || step === 0 ? [] : [eval_loss],
  )

async function evaluateNpt(run: string): Promise<NptEvaluation> {
  const result = await evaluateRun(run, 'validation')
  if (result.task !== 'equivalence') throw new Error(result.task)
  return result
}

/** Fills the plastic blocks of a trained run's best checkpoint with one number. */
async function fillBest(run: string, value: number): Promise<void> {
  const shapes = nptShapes(tinyConfig, nptConfigSchema.parse(npt))
  const tensors = new Map(
    [...shapes].map(([name, shape]) => {
      const length = sizeOf(shape)
      return [name, { shape, data: new Float32Array(length).fill(value) }] as const
    }),
  )
  await writeSafetensors(best(run, TRAINED_FILE), tensors)
  await resealCheckpoint(best(run))
}

/** Every file below the checkpoints, and the log. */
async function result(run: string): Promise<{ readonly [path: string]: string }> {
  const files = await readdir(join(run, 'checkpoints'), { recursive: true, withFileTypes: true })
  const paths = files.filter((file) => file.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  const contents = [join(run, 'log.jsonl'), ...paths].map(
    async (path) => [path.slice(run.length), (await readFile(path)).toString('base64')] as const,
  )
  return Object.fromEntries(await Promise.all(contents))
}

describe('a run of NPT, phase 1', () => {
  for (const attention_residual of [true, false]) {
    it(`lowers its loss and tells of each block, attention_residual ${attention_residual}`, async () => {
      await withFolder(async (folder) => {
        const run = await trained(folder, phase1(attention_residual))
        const records = await log(run)
        const steps = records.filter((record) => 'loss' in record)
        expect(steps.length).to.equal(12)
        const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length
        for (const { loss, equivalence, low_magnitude } of steps) {
          expect(equivalence.length).to.equal(2)
          expect(low_magnitude.length).to.equal(2)
          expect(loss).to.be.closeTo(mean(equivalence) + 0.01 * mean(low_magnitude), 1e-6)
        }
        const [middle, last] = await evaluated(run)
        expect(last!).to.be.lessThan(middle!)
        const { loss, blocks } = await evaluateNpt(run)
        expect(loss).to.be.closeTo(Math.min(middle!, last!), 1e-6)
        expect(
          mean(blocks.map(({ mse }) => mse)) + 0.01 * mean(blocks.map((b) => b.magnitude)),
        ).to.be.closeTo(loss, 1e-6)
        await fillBest(run, 0.3)
        expect((await evaluateNpt(run)).loss).to.be.greaterThan(loss)
      })
    })
  }

  it('goes on after it was stopped between two checkpoints, to the same bytes', async () => {
    await withFolder(async (folder) => {
      const config = { ...phase1(false), save_steps: 4, gradient_accumulation_steps: 2, max_steps: 9 }
      const expected = await result(await trained(join(folder, 'undisturbed'), config))
      const run = await created(join(folder, 'stopped'), config)
      for (const at of [2, 7]) {
        const stop = ({ step }: StepRecord) => {
          if (step === at) throw new Error('stopped')
        }
        expect((await rejection(continueRun(run, { step: stop }))).message).to.equal('stopped')
      }
      await continueRun(run)
      // The two runs' models lie in different folders, which no checkpoint of plastic blocks tells of.
      expect(await result(run)).to.deep.equal(expected)
    })
  })

  it('keeps the plastic tensors and nothing else in a checkpoint', async () => {
    await withFolder(async (folder) => {
      const run = await trained(folder, phase1(true))
      expect([...(await tensorsOf(run)).keys()].sort()).to.deep.equal([...names].sort())
      expect((await readdir(best(run))).sort()).to.deep.equal([
        'README.md',
        'optimizer.safetensors',
        'trained.safetensors',
        'trainer_state.json',
      ])
    })
  })

  it('is compared with the model as it was, which without an update it is', async () => {
    await withFolder(async (folder) => {
      const run = await trained(folder, phase1(true))
      const { perplexity, basePerplexity, ratio, blocks } = await evaluateNpt(run)
      expect(ratio)
        .to.equal(perplexity / basePerplexity)
        .and.not.equal(1)
      expect(blocks.map(({ layer }) => layer)).to.deep.equal([0, 1])
      for (const { mse, cosine, magnitude, updateNorm } of blocks) {
        expect(mse).to.be.greaterThan(0)
        expect(magnitude).to.be.greaterThan(0)
        expect(cosine).to.be.within(0.5, 1)
        const { p10, p50, p90, max, mean } = updateNorm
        expect([p10, p50, p90, max]).to.deep.equal([p10, p50, p90, max].sort((a, b) => a - b))
        expect(mean).to.be.within(p10, max)
      }

      await fillBest(run, 0)
      const zero = await evaluateNpt(run)
      expect(zero.ratio).to.equal(1)
      expect(zero.basePerplexity).to.equal(basePerplexity)
      for (const { mse, cosine, updateNorm } of zero.blocks) {
        expect(mse).to.equal(0)
        expect(cosine).to.be.closeTo(1, 1e-6)
        expect(updateNorm.max).to.equal(0)
      }
      expect(await userError(() => evaluateRun(run, 'validation', 'base'))).to.match(/has no plastic blocks/)
    })
  })
})

describe('a run of NPT, phase 2', () => {
  const phase2 = { ...shared, npt: { ...npt, attention_residual: true } }

  it('trains plastic blocks on a task, and leaves the model’s weights as they are', async () => {
    await withFolder(async (folder) => {
      const run = await trained(folder, phase2)
      const [middle, last] = await evaluated(run)
      const before = await evaluateRun(run, 'validation', 'base')
      expect(middle!).to.be.lessThan(before.loss)
      expect(last!).to.be.lessThan(middle!)
      expect((await evaluateRun(run, 'validation')).loss).to.be.closeTo(last!, 1e-6)
      expect([...(await tensorsOf(run)).keys()].sort()).to.deep.equal([...names].sort())
      const [here, there] = [join(run, 'model.safetensors'), join(folder, 'model', 'model.safetensors')]
      expect((await readFile(here)).equals(await readFile(there))).to.equal(true)
    })
  })

  it('starts from the blocks of another run', async () => {
    await withFolder(async (folder) => {
      const from = await trained(join(folder, 'first'), phase1(true))
      const start = await tensorsOf(from)
      const step = 1e-3
      const short = await trained(join(folder, 'short'), {
        ...{ npt: { from }, max_steps: 1, learning_rate: step, lr_scheduler_type: 'constant' },
      })
      // AdamW's first step moves every element by the learning rate at most.
      for (const [name, { data }] of await tensorsOf(short)) {
        const moved = largestDifference(data, start.get(name)!.data)
        expect(moved, name).to.be.within(0.5 * step, 1.001 * step)
      }
      const run = await trained(join(folder, 'second'), { npt: { from } })
      const [middle, last] = await evaluated(run)
      expect(middle!).to.be.lessThan((await evaluated(short))[0]!)
      expect(last!).to.be.lessThan(middle!)

      const lora = await createTinyRun(join(folder, 'lora'), rows, { ...shared, lora: { r: 2 } })
      const refused = (from: string) => userError(() => created(join(folder, 'third'), { npt: { from } }))
      expect(await refused(lora.run)).to.match(/run has no checkpoint yet/)
      expect(await refused(lora.model)).to.match(/model has no trained plastic blocks; name a run/)
    })
  })

  it('trains a classifier, which opens from the run and when it is exported', async () => {
    await withFolder(async (folder) => {
      const run = await trained(folder, { ...phase2, template: undefined, task: 'classification' })
      expect([...(await tensorsOf(run)).keys()]).to.have.members([...names, 'score.weight'])
      const [middle, last] = await evaluated(run)
      expect(last!).to.be.lessThan(middle!)

      const classify = async (from: string): Promise<number[]> => {
        const classifier = await openClassifier(from)
        expect(classifier.classes).to.deep.equal(['place', 'thing'])
        const probabilities = await classifier.classify(texts)
        await classifier.release()
        return probabilities.flatMap((row) => [...row])
      }
      const expected = await classify(run)
      const nll = rows.map(({ label }, i) => -Math.log(expected[2 * i + (label === 'place' ? 0 : 1)]!))
      const { loss } = await evaluateRun(run, 'validation')
      expect(nll.reduce((sum, value) => sum + value, 0) / rows.length).to.be.closeTo(loss, 1e-5)

      const out = join(folder, 'exported')
      await exportClassifier(await findModel(run), out)
      expect(largestDifference(await classify(out), expected)).to.be.at.most(1e-6)
      await exportClassifier(await findModel(out), join(folder, 'again'))
      expect(await classify(join(folder, 'again'))).to.deep.equal(await classify(out))
    })
  })
})

describe('the model of a run of NPT', () => {
  for (const attention_residual of [true, false]) {
    it(`writes token by token what its exported folder does, attention_residual ${attention_residual}`, async () => {
      await withFolder(async (folder) => {
        const run = await trained(folder, phase1(attention_residual))
        const out = join(folder, 'exported')
        await exportModel({ model: await findModel(run), out })
        const written = async (from: string, adapter?: string): Promise<(readonly number[])[]> => {
          const generator = await openGenerator(from, adapter === undefined ? {} : { adapter })
          const continuations = await generator.generate(['the dog', 'a'], { max_new_tokens: 20 })
          const prompt = generator.tokenizer.encode('the dog')
          await generator.release()
          return [prompt, ...continuations.map(({ tokens }) => tokens)]
        }
        const [prompt, tokens, ...others] = await written(run)
        expect(tokens!.length).to.be.greaterThan(5)
        expect(await written(out)).to.deep.equal([prompt, tokens, ...others])

        // The whole text at once, without a cache, by the exported graph.
        const text = [...prompt!, ...tokens!]
        const session = await openNodeSession(join(out, 'onnx', 'model.onnx'))
        const { logits } = await session.run(
          inferenceFeeds(
            {
              input_ids: [text],
              attention_mask: [text.map(() => 1)],
              position_ids: [text.map((_, t) => t)],
              labels: [],
            },
            tinyConfig,
          ),
        )
        await session.release()
        const size = tinyConfig.vocab_size
        const data = logits!.data as Float32Array
        const likeliest = text.map((_, t) => {
          const row = data.subarray(t * size, (t + 1) * size)
          return row.indexOf(Math.max(...row))
        })
        expect(likeliest.slice(prompt!.length - 1, -1)).to.deep.equal(tokens)

        const onTop = () => created(join(folder, 'other'), { model: out })
        expect(await userError(onTop)).to.match(/exported has plastic blocks already/)
        const adapter = join(folder, 'adapter')
        await writeTinyAdapter(adapter)
        expect(await written(out, adapter)).to.not.deep.equal([prompt, tokens, ...others])
      })
    })
  }
})
