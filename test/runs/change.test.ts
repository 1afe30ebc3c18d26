import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import type { StepRecord } from '../../src/learning/listeners.ts'
import { learningRate } from '../../src/learning/schedule.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { readRunConfig } from '../../src/runs/run_config.ts'
import { readRecords } from '../../src/runs/log.ts'
import { writeTrainingCurves } from '../../src/report/write_training_curves.ts'
import { collect, userError, withFolder } from '../data/helpers.ts'
import { resealCheckpoint, unseal } from '../formats/reseal.ts'
import { rejection } from '../rejection.ts'
import { createTinyRun } from '../training/tiny_run.ts'

const rows = ['fox', 'hen', 'owl', 'elk', 'bee', 'ant'].map((word) => ({ text: `a ${word} is an animal` }))

const create = async (folder: string, config: object = {}): Promise<string> =>
  (
    await createTinyRun(folder, rows, {
      ...{ max_steps: 4, per_device_train_batch_size: 2, learning_rate: 1e-3, threads: 1 },
      ...config,
    })
  ).run

/** What training leaves, the adapter's configuration aside, which names the model's folder. */
async function bytesOf(run: string): Promise<Record<string, string>> {
  const paths = (await readdir(join(run, 'checkpoints'), { recursive: true }))
    .filter((path) => /safetensors|state/.test(path))
    .map((path) => join('checkpoints', path))
  const contents = ['log.jsonl', ...paths].map(
    async (path) => [path, await readFile(join(run, path), 'base64')] as const,
  )
  return Object.fromEntries(await Promise.all(contents))
}

const stepsOf = async (run: string) =>
  ((await collect(readRecords(join(run, 'log.jsonl')))) as StepRecord[]).filter((record) => 'loss' in record)

describe('a run that goes on with other options', () => {
  it('has ended, says so, and is taken further by more steps under their schedule', () =>
    withFolder(async (folder) => {
      const run = await create(folder)
      await continueRun(run)
      const notes: string[] = []
      const note = (sentence: string) => void notes.push(sentence)
      await continueRun(run, { note })
      expect(notes).to.deep.equal([
        'the run has taken all its steps, 4 of 4; with a larger max_steps or num_train_epochs it goes on',
      ])
      expect(await userError(() => continueRun(run, { note }, { changes: { max_steps: 3 } }))).to.match(
        /^max_steps 3 lies before step 4, which .* has reached/,
      )
      expect((await readRunConfig(run)).max_steps).to.equal(4)
      const { global_step } = await continueRun(run, { note }, { changes: { max_steps: 7 } })
      expect(global_step).to.equal(7)
      const schedule = { name: 'linear', peak: 1e-3, warmupSteps: 0, totalSteps: 7 } as const
      expect(notes.at(-1)).to.equal(
        'changed: max_steps 4 → 7; the linear schedule is that of 7 steps now: the learning rate of step 5 is 4.29e-4',
      )
      const steps = await stepsOf(run)
      expect(steps.map(({ step }) => step)).to.deep.equal([1, 2, 3, 4, 5, 6, 7])
      for (const { step, learning_rate } of steps.slice(4))
        expect(learning_rate).to.equal(learningRate(schedule, step - 1))
      expect((await readRunConfig(run)).max_steps).to.equal(7)
    }))

  it('keeps where it was computed, too', () =>
    withFolder(async (folder) => {
      const run = await create(folder, { max_steps: 1 })
      await continueRun(run)
      await continueRun(run, undefined, { changes: { max_steps: 2, prepacking: true } })
      await continueRun(run)
      expect(JSON.parse(readFileSync(join(run, 'changes.json'), 'utf8'))).to.deep.equal([
        { after_step: 1, option: 'max_steps', from: 1, to: 2 },
        { after_step: 1, option: 'prepacking', from: null, to: true },
      ])
    }))

  it('ends as one that had them from the start, where they do not change what is computed', () =>
    withFolder(async (folder) => {
      const [changed, whole] = [await create(join(folder, 'a')), await create(join(folder, 'b'))]
      const stop = new AbortController()
      await continueRun(changed, { step: ({ step }) => step === 2 && stop.abort() }, { signal: stop.signal })
      await continueRun(changed, undefined, { changes: { save_steps: 1, early_stopping_patience: 100 } })
      await continueRun(whole)
      expect(await bytesOf(changed)).to.deep.equal(await bytesOf(whole))
    }))

  it('says what changed, edited in training.json too, and the schedule where that is another', () =>
    withFolder(async (folder) => {
      const run = await create(folder, { save_steps: 2 })
      const stop = new AbortController()
      await continueRun(run, { step: ({ step }) => step === 2 && stop.abort() }, { signal: stop.signal })
      const path = join(run, 'training.json')
      const options = JSON.parse(readFileSync(path, 'utf8')) as object
      writeFileSync(path, JSON.stringify({ ...options, eval_steps: 1 }))
      const notes: string[] = []
      const again = (changes?: object) =>
        continueRun(
          run,
          { note: (sentence) => void notes.push(sentence) },
          { signal: stop.signal, ...(changes ? { changes } : {}) },
        )
      await again()
      await again()
      await again({ per_device_eval_batch_size: 1 })
      expect(notes).to.deep.equal([
        'changed: eval_steps null → 1',
        'changed: per_device_eval_batch_size 8 → 1',
      ])
    }))

  it('evaluates its last step where it is made no longer than it is', () =>
    withFolder(async (folder) => {
      const run = await create(folder, { eval_steps: 4 })
      const stop = new AbortController()
      await continueRun(run, { step: ({ step }) => step === 2 && stop.abort() }, { signal: stop.signal })
      const state = await continueRun(run, undefined, { changes: { max_steps: 2 } })
      expect(state).to.include({ global_step: 2, best_step: 2 })
      for (const name of ['best', 'last'])
        expect(
          JSON.parse(readFileSync(join(run, 'checkpoints', name, 'trainer_state.json'), 'utf8')),
        ).to.include({ global_step: 2, best_step: 2 })
      const log = readFileSync(join(run, 'log.jsonl'), 'utf8')
      expect(log.split('\n').filter((line) => line.includes('eval_loss'))).to.have.length(2)
      expect(await continueRun(run)).to.deep.equal(state)
      expect(readFileSync(join(run, 'log.jsonl'), 'utf8')).to.equal(log)
    }))

  it('is drawn under its own name, from wherever it is drawn', () =>
    withFolder(async (folder) => {
      const run = await create(folder)
      await continueRun(run)
      // Clips are numbered within a process.
      const drawn = async (as: string) =>
        readFileSync(await writeTrainingCurves(as), 'utf8').replaceAll(/#?clip\d+/g, 'clip')
      expect(await drawn(`${run}/../run/`)).to.equal(await drawn(run))
      expect(await drawn(run)).not.to.include(folder)
    }))

  it('stopped early, and goes on with more patience', () =>
    withFolder(async (folder) => {
      const run = await create(folder, {
        max_steps: 30,
        eval_steps: 1,
        early_stopping_patience: 1,
        learning_rate: 0.3,
      })
      const { global_step } = await continueRun(run)
      expect(global_step).to.be.lessThan(30)
      const notes: string[] = []
      await continueRun(run, { note: (sentence) => void notes.push(sentence) })
      expect(notes[0]).to.match(/stopped early, at step \d+; .*early_stopping_patience/)
      const further = await continueRun(run, undefined, {
        changes: { early_stopping_patience: null, learning_rate: 1e-4 },
      })
      expect(further.global_step).to.equal(30)
    }))

  it('keeps what its data, graphs and order depend on, and is unchanged where a value is wrong', () =>
    withFolder(async (folder) => {
      const run = await create(folder)
      const before = readFileSync(join(run, 'training.json'), 'utf8')
      const refusals: readonly (readonly [object, RegExp])[] = [
        [{ seed: 3 }, /^seed cannot change while a run goes on.*max_steps/],
        [{ per_device_train_batch_size: 3 }, /^per_device_train_batch_size cannot change/],
        [{ max_steps: 'many' }, /^max_steps must be a whole number/],
        [{ num_train_epochs: 9 }, /^the run ends after max_steps 4, .* set it to null/],
        [{ provider: 'cuda' }, /cuda provider/],
      ]
      for (const [changes, says] of refusals)
        expect(await userError(() => continueRun(run, undefined, { changes }))).to.match(says)
      expect(readFileSync(join(run, 'training.json'), 'utf8')).to.equal(before)
      await continueRun(run)
    }))

  const edits: Readonly<Record<string, unknown>> = {
    seed: 7,
    per_device_train_batch_size: 3,
    task: 'dpo',
    lora: { r: 2, lora_alpha: 8 },
    template: { text: '{{ other }}' },
    max_length: 5,
    metric_for_best_model: 'eval_accuracy',
    classes: ['a', 'b'],
    gradient_accumulation_steps: undefined,
  }
  for (const [key, value] of Object.entries(edits))
    it(`names an option that was changed by hand and that it depends on: ${key}`, () =>
      withFolder(async (folder) => {
        const run = await create(folder)
        const path = join(run, 'training.json')
        const before = readFileSync(path, 'utf8')
        writeFileSync(path, JSON.stringify({ ...(JSON.parse(before) as object), [key]: value }))
        expect(await userError(() => continueRun(run))).to.match(
          new RegExp(
            `training.json: ${key}, which .* has changed since it was made .*; put it back, or train anew$`,
          ),
        )
        writeFileSync(path, before)
        expect((await continueRun(run)).global_step).to.equal(4)
      }))

  it('follows an option that may change, changed by hand, and a run of before that keeps none', () =>
    withFolder(async (folder) => {
      const run = await create(folder)
      const edit = (name: string, changes: object) => {
        const path = join(run, name)
        writeFileSync(
          path,
          JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), ...changes }),
        )
      }
      edit('training.json', { max_steps: 2 })
      expect((await continueRun(run)).global_step).to.equal(2)
      unseal(run)
      edit('ortune.json', { settings: undefined })
      edit('training.json', { seed: 7, max_steps: 3 })
      expect((await continueRun(run)).global_step).to.equal(3)
    }))
})

describe('a run that was interrupted', () => {
  for (const step of [0, 2, 4])
    it(`in the evaluation of step ${step} gives it up, and makes it when it goes on`, () =>
      withFolder(async (folder) => {
        const options = { per_device_eval_batch_size: 2, eval_steps: 2, save_steps: 3 }
        const [cut, whole] = [
          await create(join(folder, 'a'), options),
          await create(join(folder, 'b'), options),
        ]
        const stop = new AbortController()
        const told: unknown[] = []
        const state = await continueRun(
          cut,
          {
            evaluating(at) {
              if (at.step !== step) return
              told.push(at)
              if (at.done === 2) stop.abort()
            },
            stop: (at) => void told.push(at),
          },
          { signal: stop.signal },
        )
        expect(told).to.deep.equal([
          { step, done: 0, of: 6 },
          { step, done: 2, of: 6 },
          { step, totalSteps: 4 },
        ])
        expect(state.global_step).to.equal(step)
        expect(existsSync(join(cut, 'checkpoints', 'last'))).to.equal(step > 0)
        const ended: unknown[] = []
        await continueRun(cut, { stop: (at) => void ended.push(at) })
        await continueRun(whole)
        expect(ended).to.deep.equal([])
        expect(await bytesOf(cut)).to.deep.equal(await bytesOf(whole))
      }))

  for (const step of [1, 3])
    it(`after step ${step} has a checkpoint of it, and ends as one that was not`, () =>
      withFolder(async (folder) => {
        const [cut, whole] = [await create(join(folder, 'a')), await create(join(folder, 'b'))]
        const stop = new AbortController()
        const state = await continueRun(
          cut,
          { step: (record) => record.step === step && stop.abort() },
          { signal: stop.signal },
        )
        expect(state.global_step).to.equal(step)
        const stored = join(cut, 'checkpoints', 'last', 'trainer_state.json')
        expect(JSON.parse(readFileSync(stored, 'utf8'))).to.include({ global_step: step })
        await continueRun(cut)
        await continueRun(whole)
        expect(await bytesOf(cut)).to.deep.equal(await bytesOf(whole))
      }))

  it('is one writer’s: a second is refused, and the first unharmed', () =>
    withFolder(async (folder) => {
      const run = await create(folder)
      let second = ''
      const { global_step } = await continueRun(run, {
        step({ step }) {
          if (step === 2) void userError(() => continueRun(run)).then((says) => (second = says))
        },
      })
      expect(global_step).to.equal(4)
      expect(second).to.match(/is being written by process/)
      expect((await stepsOf(run)).map(({ step }) => step)).to.deep.equal([1, 2, 3, 4])
    }))

  const positions: Readonly<Record<string, object>> = {
    'past the end of an epoch': { global_step: 2, epoch: 0, batch: 3 },
    'far past everything': { global_step: 1e15, epoch: 0, batch: 1e15 },
    'between two numbers that do not agree': { global_step: 2, epoch: 7, batch: 0 },
  }
  for (const [where, position] of Object.entries(positions))
    it(`is not continued from a state ${where}`, () =>
      withFolder(async (folder) => {
        const run = await create(folder)
        await continueRun(run)
        await resealCheckpoint(join(run, 'checkpoints', 'last'), position)
        const changes = { max_steps: 1e9 }
        expect(await userError(() => continueRun(run, undefined, { changes }))).to.match(
          /the checkpoint is of step .* where an epoch has 3 steps|lies before step 1000000000000000/,
        )
      }))

  it('is not continued where its best step is still to come', () =>
    withFolder(async (folder) => {
      const run = await create(folder)
      await continueRun(run)
      await resealCheckpoint(join(run, 'checkpoints', 'last'), { best_step: 5 })
      expect(await userError(() => continueRun(run))).to.match(
        /of step 4, and the best one of a later step, 5/,
      )
    }))

  const holes: readonly (readonly [
    what: string,
    kept: (step: number) => boolean,
    says: string | undefined,
  ])[] = [
    ['was emptied', () => false, 'steps 1 to 4'],
    ['was cut off before the checkpoint', (step) => step < 4, 'step 4'],
    ['lacks lines within', (step) => step === 1 || step === 4, 'steps 2 to 3'],
    ['lacks its beginning and its end', (step) => step === 2, 'step 1, steps 3 to 4'],
    ['is whole', () => true, undefined],
  ]
  for (const [what, kept, says] of holes)
    it(`whose log ${what} goes on, and ${says ? 'says which steps it lacks' : 'says nothing of it'}`, () =>
      withFolder(async (folder) => {
        const [run, whole] = [await create(join(folder, 'a')), await create(join(folder, 'b'))]
        for (const one of [run, whole]) await continueRun(one)
        const path = join(run, 'log.jsonl')
        const lines = readFileSync(path, 'utf8').trim().split('\n')
        const left = lines.filter((line) => kept((JSON.parse(line) as StepRecord).step || 1))
        writeFileSync(path, left.map((line) => `${line}\n`).join(''))
        const notes: string[] = []
        const changes = { max_steps: 6 }
        await continueRun(run, { note: (sentence) => void notes.push(sentence) }, { changes })
        await continueRun(whole, undefined, { changes })
        const ofHole = notes.filter((note) => note.includes('hole'))
        expect(ofHole).to.deep.equal(
          says === undefined
            ? []
            : [
                `${path} has a hole, ${says}: its lines were lost or removed; training goes on as it would have, while curves and figures lack them`,
              ],
        )
        const { 'log.jsonl': logged, ...trained } = await bytesOf(run)
        const { 'log.jsonl': every, ...expected } = await bytesOf(whole)
        expect(trained).to.deep.equal(expected)
        expect(logged === every).to.equal(says === undefined)
      }))

  it('that has no log any more goes on, and says so', () =>
    withFolder(async (folder) => {
      const run = await create(folder)
      await continueRun(run)
      rmSync(join(run, 'log.jsonl'))
      const notes: string[] = []
      await continueRun(run, { note: (sentence) => void notes.push(sentence) })
      expect(notes[0]).to.match(/log\.jsonl has a hole, steps 1 to 4:/)
    }))

  it('that has no checkpoint any more begins anew, and says so', () =>
    withFolder(async (folder) => {
      const [run, whole] = [await create(join(folder, 'a')), await create(join(folder, 'b'))]
      for (const one of [run, whole]) await continueRun(one)
      rmSync(join(run, 'checkpoints'), { recursive: true })
      const notes: string[] = []
      await continueRun(run, { note: (sentence) => void notes.push(sentence) })
      expect(notes).to.deep.equal([`${run} has a log and no checkpoint, so it begins anew`])
      expect(await bytesOf(run)).to.deep.equal(await bytesOf(whole))
    }))

  for (const torn of ['{"step":2,"lo', '{"step":', '\u00e9'.repeat(3), 'null', '[]', '{"step":"2"}'])
    it(`heals a log that ends in ${torn}`, () =>
      withFolder(async (folder) => {
        const [cut, whole] = [await create(join(folder, 'a')), await create(join(folder, 'b'))]
        const failure = await rejection(
          continueRun(cut, {
            evaluation({ step }) {
              if (step > 0) throw new Error('stopped')
            },
          }),
        )
        expect(failure.message).to.equal('stopped')
        // A half of a character, as a process leaves that was killed within a line.
        appendFileSync(join(cut, 'log.jsonl'), Buffer.from(torn).subarray(0, -1))
        await writeTrainingCurves(cut)
        await continueRun(cut)
        await continueRun(whole)
        expect(await bytesOf(cut)).to.deep.equal(await bytesOf(whole))
      }))
})
