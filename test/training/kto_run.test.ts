import { expect } from 'chai'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { evaluateRun } from '../../src/evaluation/evaluate_run.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { readRunConfig } from '../../src/runs/run_config.ts'
import { createRun } from '../../src/runs/create.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { largestDifference } from '../graphs/gpt2_fixtures.ts'
import { writeTinyModel } from '../tiny_model.ts'
import type { TinyRun } from './tiny_run.ts'
import { createTinyRun } from './tiny_run.ts'

const pairs = [
  { prompt: 'a dog is', chosen: ' an animal', rejected: ' a thing' },
  { prompt: 'the sea is', chosen: ' water', rejected: ' a kind of a kind' },
  { prompt: 'a hill is', chosen: ' a small mountain', rejected: ' up' },
  { prompt: 'a lamp', chosen: ' gives light', rejected: ' it it it' },
]
const rows = pairs.flatMap(({ prompt, chosen, rejected }) => [
  { prompt, completion: chosen, label: true },
  { prompt, completion: rejected, label: 'false' },
])

const createKtoRun = (
  folder: string,
  config: object = {},
  given: readonly object[] = rows,
): Promise<TinyRun> =>
  createTinyRun(folder, given, {
    task: 'kto',
    max_steps: 6,
    eval_steps: 2,
    per_device_train_batch_size: 4,
    learning_rate: 1e-3,
    ...config,
  })

interface StepOfLog {
  readonly loss?: number
  readonly eval_loss?: number
  readonly kl?: number
}

const readLog = async (run: string): Promise<StepOfLog[]> =>
  (await readFile(join(run, 'log.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as StepOfLog)

const lossesOf = async (run: string): Promise<number[]> =>
  (await readLog(run)).map(({ loss, eval_loss }) => loss ?? eval_loss!)

describe('a run of Kahneman-Tversky optimization', () => {
  for (const [title, config] of [
    ['adapters', {}],
    ['every parameter', { lora: 'full' }],
    ['APO-zero', { kto: { loss_type: 'apo_zero_unpaired' } }],
  ] as const) {
    it(`starts where no answer has gained, and is judged against the model before training: ${title}`, async () => {
      await withFolder(async (folder) => {
        const { run } = await createKtoRun(folder, config)
        await continueRun(run)
        expect((await lossesOf(run))[0]).to.be.closeTo(0.5, 1e-5)
        const [before, after] = [
          await evaluateRun(run, 'validation', 'base'),
          await evaluateRun(run, 'validation', 'last'),
        ]
        if (before.task !== 'kto' || after.task !== 'kto') throw new Error(before.task)
        expect(before.loss).to.be.closeTo(0.5, 1e-5)
        expect(after.loss).to.be.closeTo((await lossesOf(run)).at(-1)!, 1e-5)
        expect(after.metrics['rewards/margins']).to.be.greaterThan(before.metrics['rewards/margins']!)
      })
    })
  }

  it('learns the same from pairs as from their answers', async () => {
    await withFolder(async (folder) => {
      const apart = await createKtoRun(join(folder, 'apart'))
      const paired = await createKtoRun(join(folder, 'pairs'), {}, pairs)
      for (const { run } of [apart, paired]) await continueRun(run)
      expect(await lossesOf(paired.run)).to.deep.equal(await lossesOf(apart.run))
    })
  })

  it('goes on after an interruption to the same bytes', async () => {
    await withFolder(async (folder) => {
      const whole = await createKtoRun(join(folder, 'whole'), { save_steps: 1 })
      await continueRun(whole.run)
      const cut = await createKtoRun(join(folder, 'cut'), { save_steps: 1 })
      const stop = () =>
        continueRun(cut.run, {
          step: ({ step }) => {
            if (step === 4) throw new Error('interrupted')
          },
        })
      expect(await stop().catch((error: Error) => error.message)).to.equal('interrupted')
      await continueRun(cut.run)
      for (const file of [
        'log.jsonl',
        join('checkpoints', 'last', 'adapter_model.safetensors'),
        join('checkpoints', 'best', 'adapter_model.safetensors'),
      ])
        expect(
          (await readFile(join(cut.run, file))).equals(await readFile(join(whole.run, file))),
          file,
        ).to.equal(true)
    })
  })

  it('takes another model for its reference, as long as it trains', async () => {
    await withFolder(async (folder) => {
      const other = join(folder, 'other')
      await writeTinyModel(other, 2)
      const { run } = await createKtoRun(folder, { kto: { ref_model: other } })
      await continueRun(run)
      const own = await createKtoRun(join(folder, 'own'))
      await continueRun(own.run)
      expect(largestDifference(await lossesOf(run), await lossesOf(own.run))).to.be.greaterThan(1e-3)
      await rm(other, { recursive: true })
      expect(await userError(() => evaluateRun(run, 'validation', 'last'))).to.match(/does not exist/)
    })
  })

  it('refuses steps of one row, a reference that is none, and data without margins to choose by', async () => {
    await withFolder(async (folder) => {
      const { run } = await createKtoRun(folder)
      const config = await readRunConfig(run)
      const created = (change: object) =>
        userError(() => createRun({ ...config, output_dir: join(folder, 'other'), ...change }))
      expect(await created({ per_device_train_batch_size: 1 })).to.match(
        /^task kto compares each row with the other rows of its step, .* make steps of 1 row; raise one of them/,
      )
      expect(await created({ kto: { ...config.kto, ref_model: join(folder, 'nowhere') } })).to.match(
        /does not exist/,
      )
      expect(await created({ lora: 'none' })).to.match(/leaves the policy of task kto as it is/)
      expect(await created({ packing: true })).to.match(
        /^packing is not for task kto, where each answer is judged in a row of its own; leave it out$/,
      )
      const path = join(folder, 'desirable.jsonl')
      await writeFile(
        path,
        rows
          .filter(({ label }) => label === true)
          .map((row) => JSON.stringify(row))
          .join('\n'),
      )
      const data = [config.data[0]!, { ...config.data[1]!, path }]
      expect(await created({ data, metric_for_best_model: 'eval_rewards/margins' })).to.match(
        /^the validation data has desirable rows alone, which have no eval_rewards\/margins; add rows of the/,
      )
      const label = 'neither'
      await writeFile(path, JSON.stringify({ ...rows[0], label }))
      expect(await created({ data })).to.match(
        /desirable\.jsonl, row 1: the label is "neither"; it must be true/,
      )
      expect(await created({ data: [{ ...data[0]!, template: { text: '{{ prompt }}' } }] })).to.match(
        /its template is not for the task unpaired; give prompt, completion and label \(true or false\), or/,
      )
      expect(await readdir(folder)).to.not.include('other')
      // What has no z₀ takes rows one by one.
      const alone = { kto: { loss_type: 'apo_zero_unpaired' }, per_device_train_batch_size: 1, max_steps: 2 }
      const single = await createKtoRun(join(folder, 'alone'), alone)
      await continueRun(single.run)
      expect((await readLog(single.run)).map(({ kl }) => kl ?? 0)).to.deep.equal([0, 0, 0, 0])
    })
  })
})
