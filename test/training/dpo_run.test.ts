import { expect } from 'chai'
import { copyFile, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { DataSet } from '../../src/data/sets/data_set.ts'
import { readTensors, writeSafetensors } from '../../src/formats/safetensors.ts'
import { createRun } from '../../src/runs/create.ts'
import { taskOptions } from '../../src/runs/learning_config.ts'
import { folderHost } from '../../src/runs/host.ts'
import { readRunManifest } from '../../src/runs/run_manifest.ts'
import type { DpoOptions } from '../../src/tasks/dpo/options.ts'
import { checkReference, referenceOf, trainingReference } from '../../src/tasks/dpo/reference.ts'
import { referenceGraph } from '../../src/tasks/dpo/work.ts'
import { evaluateRun } from '../../src/evaluation/evaluate_run.ts'
import { openSplit } from '../../src/runs/split.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { readRunConfig } from '../../src/runs/run_config.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { largestDifference } from '../graphs/gpt2_fixtures.ts'
import { writeTinyModel } from '../tiny_model.ts'
import type { TinyRun } from './tiny_run.ts'
import { createTinyRun } from './tiny_run.ts'

const rows = [
  { prompt: 'a dog is', chosen: ' an animal', rejected: ' a thing' },
  { prompt: 'the sea is', chosen: ' water', rejected: ' a kind of a kind' },
  { prompt: 'a hill is', chosen: ' a small mountain', rejected: ' up' },
  { prompt: 'a lamp', chosen: ' gives light', rejected: ' it it it' },
]
const KEPT = 'reference_logps.safetensors'

const createDpoRun = (folder: string, config: object = {}): Promise<TinyRun> =>
  createTinyRun(folder, rows, {
    task: 'dpo',
    max_steps: 4,
    eval_steps: 2,
    per_device_train_batch_size: 2,
    learning_rate: 1e-3,
    ...config,
  })

interface StepOfLog {
  readonly loss?: number
  readonly eval_loss?: number
}

const readLog = async (run: string): Promise<StepOfLog[]> =>
  (await readFile(join(run, 'log.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as StepOfLog)

const lossesOf = async (run: string): Promise<number[]> =>
  (await readLog(run)).map(({ loss, eval_loss }) => loss ?? eval_loss!)

const keptOf = async (run: string) => {
  const tensors = await readTensors(join(run, KEPT))
  expect([...tensors.keys()]).to.deep.equal(['train', 'validation'])
  for (const { shape } of tensors.values()) expect(shape).to.deep.equal([4, 2])
  return tensors.get('train')!.data
}

async function withData<T>(run: string, use: (data: DataSet) => Promise<T>): Promise<T> {
  const data = await openSplit(run, 'validation')
  try {
    return await use(data)
  } finally {
    data.close()
  }
}

/** A run as its reference sees it. */
async function referenceRun(run: string, change: object = {}) {
  const config = { ...(await readRunConfig(run)), ...change }
  const { lora } = await readRunManifest(run)
  const options = taskOptions(config) as DpoOptions
  return { options, settings: config, lora, host: folderHost(run, config), listeners: [] }
}

/** What a run's policy is held to, of given data. */
async function keptReference(
  run: string,
  splits: { readonly train: DataSet; readonly validation: DataSet },
  {
    onPairs,
    ...change
  }: { readonly onPairs?: (done: number, of: number) => void; [key: string]: unknown } = {},
) {
  const given = await referenceRun(run, change)
  const listeners = onPairs
    ? [{ preparation: (_: string, done: number, of: number) => onPairs(done, of) }]
    : []
  const data = { trainData: splits.train, validationData: splits.validation }
  return trainingReference({ ...given, ...data, listeners }, referenceGraph(given.options))
}

/** What the reference of a run says, measured anew by a session of its own. */
const measure = (run: string): Promise<number[]> =>
  withData(run, async (data) => {
    const given = await referenceRun(run)
    const reference = await referenceOf(given, referenceGraph(given.options), data)
    const rowsOf = [0, 2, 4, 6].map((row) => [row, row + 1])
    const pairs = rowsOf.map((pair) => pair.map((row) => data.row(row)))
    return Array.from((await reference(pairs, rowsOf)).data, Number)
  })

describe('a run of direct preference optimization', () => {
  for (const [title, config] of [
    ['adapters', {}],
    ['every parameter', { lora: 'full' }],
  ] as const) {
    it(`keeps what the model before training says of its data: ${title}`, async () => {
      await withFolder(async (folder) => {
        const { run } = await createDpoRun(folder, config)
        await continueRun(run)
        const kept = await keptOf(run)
        expect(largestDifference(kept, await measure(run))).to.be.below(1e-5)
        expect((await lossesOf(run))[0]).to.be.closeTo(Math.log(2), 1e-5)

        const before = await evaluateRun(run, 'validation', 'base')
        if (before.task !== 'dpo') throw new Error(before.task)
        expect(before.loss).to.be.closeTo(Math.log(2), 1e-5)
        const after = await evaluateRun(run, 'validation', 'last')
        if (after.task !== 'dpo') throw new Error(after.task)
        expect(after.loss).to.be.closeTo((await lossesOf(run)).at(-1)!, 1e-5)
        expect(after.metrics['rewards/margins']).to.be.greaterThan(before.metrics['rewards/margins'])
      })
    })
  }

  it('does the same with a reference that is asked anew in each step', async () => {
    await withFolder(async (folder) => {
      const kept = await createDpoRun(join(folder, 'kept'))
      await continueRun(kept.run)
      const anew = await createDpoRun(join(folder, 'anew'), { dpo: { precompute_ref_log_probs: false } })
      await continueRun(anew.run)
      expect(largestDifference(await lossesOf(anew.run), await lossesOf(kept.run))).to.be.below(1e-5)
      expect(await userError(() => keptOf(anew.run))).to.match(/does not exist/)
    })
  })

  it('takes another model for its reference', async () => {
    await withFolder(async (folder) => {
      const other = join(folder, 'other')
      await writeTinyModel(other, 2)
      const { run } = await createDpoRun(folder, { dpo: { ref_model: other } })
      await continueRun(run)
      const kept = await keptOf(run)
      const own = await createDpoRun(join(folder, 'own'))
      await continueRun(own.run)
      expect(largestDifference(kept, await keptOf(own.run))).to.be.greaterThan(1)
      expect(largestDifference(kept, await measure(run))).to.be.below(1e-5)
      expect(Math.abs((await lossesOf(run))[0]! - Math.log(2))).to.be.greaterThan(1e-3)

      // Kept with the run: the other model may go.
      await rm(other, { recursive: true })
      await withData(run, async (data) => {
        const train = await openSplit(run, 'train')
        const again = await keptReference(run, { train, validation: data })
        train.close()
        const { data: logps } = await again.train([[data.row(2), data.row(3)]], [[2, 3]])
        expect(Array.from(logps, Number)).to.deep.equal(Array.from(kept.slice(2, 4), Number))
      })
    })
  })

  it('measures anew what is missing, or was measured on other data', async () => {
    await withFolder(async (folder) => {
      const { run } = await createDpoRun(folder)
      await withData(run, async (data) => {
        const path = join(run, KEPT)
        const splits = { train: data, validation: data }
        const progress: string[] = []
        await keptReference(run, splits, {
          per_device_eval_batch_size: 3,
          onPairs: (done, total) => progress.push(`${done}/${total}`),
        })
        expect(progress).to.deep.equal(['3/8', '4/8', '7/8', '8/8'])
        const kept = await keptOf(run)
        const { mtimeMs } = await stat(path)
        await keptReference(run, splits)
        expect((await stat(path)).mtimeMs).to.equal(mtimeMs)

        const zeros = { shape: [4, 2], data: new Float32Array(8) }
        const tensors = new Map(['train', 'validation'].map((name) => [name, zeros]))
        for (const [wrong, metadata] of [
          [tensors, { data: 'other' }],
          [
            new Map([...tensors, ['train', { shape: [3, 2], data: new Float32Array(6) }]]),
            { data: data.fingerprint },
          ],
        ] as const) {
          await writeSafetensors(path, wrong, { format: 'pt', ...metadata })
          await keptReference(run, splits)
          expect(largestDifference(await keptOf(run), kept)).to.be.below(1e-5)
        }
      })
    })
  })

  it('refuses a run in place of its trained model, and smoothing where the loss has none', async () => {
    await withFolder(async (folder) => {
      const { run } = await createDpoRun(folder)
      const config = await readRunConfig(run)
      const created = (change: object) =>
        userError(() => createRun({ ...config, output_dir: join(folder, 'other'), ...change }))
      expect(await created({ model: run })).to.match(
        /run is a run, and its model\.safetensors the model before training; write what it trained with "ortune merge /,
      )
      for (const loss_type of ['hinge', 'ipo'])
        expect(await created({ dpo: { ...config.dpo, loss_type, label_smoothing: 0.1 } })).to.match(
          new RegExp(
            `^dpo\\.label_smoothing has no place in the loss ${loss_type}; leave it out, or choose sigmoid or`,
          ),
        )
      expect(await readdir(folder)).to.not.include('other')
    })
  })

  it('refuses a reference that cannot be one', async () => {
    await withFolder(async (folder) => {
      const { run, model } = await createDpoRun(folder)
      const given = await referenceRun(run)
      const other = join(folder, 'other')
      await writeTinyModel(other, 2)
      const tryOut = (options: object, lora = given.lora) =>
        checkReference({ ...given, lora, options: { ...given.options, ...options } }, 'dpo')
      const check = (options: object, lora = given.lora) => userError(() => tryOut(options, lora))
      const named = { ref_model: other, precompute_ref_log_probs: true }
      await tryOut(named)

      expect(await check({ ref_model: join(folder, 'nowhere'), precompute_ref_log_probs: true })).to.match(
        /does not exist/,
      )
      expect(await check({ ref_model: null, precompute_ref_log_probs: false }, 'full')).to.match(
        /takes the policy without its adapters for the reference; train adapters, or leave it out$/,
      )
      expect(await check({ ...named, precompute_ref_log_probs: false })).to.match(
        /leave ref_model out, or leave it out$/,
      )

      const path = join(other, 'tokenizer.json')
      const tokenizer = JSON.parse(await readFile(path, 'utf8')) as {
        model: { vocab: Record<string, number> }
      }
      // Written in another way it is still the same.
      await writeFile(path, JSON.stringify(tokenizer, null, 4))
      await tryOut(named)
      const { vocab } = tokenizer.model
      ;[vocab['a'], vocab['b']] = [vocab['b']!, vocab['a']!]
      await writeFile(path, JSON.stringify(tokenizer))
      expect(await check(named)).to.match(
        /^dpo\.ref_model: .+other has another tokenizer than the policy \("a" has the id \d+ there and \d+ here\); name a model/,
      )
      await copyFile(join(model, 'tokenizer.json'), path)
      await tryOut(named)

      const labels = ['bad', 'good', 'neither'].map((label) => ({ text: `a ${label} thing`, label }))
      const classifier = await createTinyRun(join(folder, 'classes'), labels, {
        task: 'classification',
        max_steps: 1,
      })
      await continueRun(classifier.run)
      expect(await check({ ...named, ref_model: classifier.run })).to.match(
        /run is a classifier or a reward model; name a language model, such as a run of task sft$/,
      )
    })
  })
})
