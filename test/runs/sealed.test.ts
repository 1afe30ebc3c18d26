import {
  appendFileSync,
  cpSync,
  readdirSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

import { expect } from 'chai'

import { findModel } from '../../src/models/find_model.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { openSplit } from '../../src/runs/split.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { poke } from '../formats/poke.ts'
import { createTinyRun } from '../training/tiny_run.ts'

const rows = ['fox', 'hen', 'owl', 'elk'].map((word) => ({ text: `a ${word} is an animal` }))
const WEIGHT = 'transformer.h.0.mlp.c_fc.weight'

describe('the files of a run', () => {
  /** A run of two steps, trained. */
  const withRun = (use: (of: { run: string; model: string }) => Promise<void>) =>
    withFolder(async (folder) => {
      const made = await createTinyRun(folder, rows, { max_steps: 2 })
      await continueRun(made.run)
      await use(made)
    })

  it('stay what they are when the model that it was made from changes in place', () =>
    withRun(async ({ run, model }) => {
      await poke(join(model, 'model.safetensors'), WEIGHT, 0, 5)
      expect((await findModel(run)).checkpoint).to.equal('best')
      await continueRun(run)
    }))

  const damages: Readonly<Record<string, (run: string) => void | Promise<void>>> = {
    'model.safetensors': (run) => poke(join(run, 'model.safetensors'), WEIGHT, 3, 7),
    'config.json': (run) => appendFileSync(join(run, 'config.json'), '\n'),
    'tokenizer.json': (run) => appendFileSync(join(run, 'tokenizer.json'), ' '),
    'eval_model.onnx': (run) => truncateSync(join(run, 'eval_model.onnx'), 100),
  }
  for (const [name, damage] of Object.entries(damages))
    it(`are compared at every opening: ${name}`, () =>
      withRun(async ({ run }) => {
        await damage(run)
        const says = new RegExp(`${name} has changed since .* was made; put the file of then back`)
        expect(await userError(() => findModel(run))).to.match(says)
        expect(await userError(() => findModel(join(run, 'checkpoints', 'last')))).to.match(says)
        expect(await userError(() => continueRun(run))).to.match(says)
      }))

  it('are compared although their times are set back', () =>
    withRun(async ({ run }) => {
      const path = join(run, 'model.safetensors')
      const { atime, mtime } = statSync(path)
      await poke(path, WEIGHT, 3, 7)
      utimesSync(path, atime, mtime)
      expect(await userError(() => findModel(run))).to.match(/model\.safetensors has changed/)
    }))

  it('that are shorter end in a sentence, not in a bus error', () =>
    withRun(async ({ run }) => {
      truncateSync(join(run, 'model.safetensors'), 5000)
      expect(await userError(() => findModel(run))).to.match(/model\.safetensors has changed/)
    }))

  it('that data was prepared into are compared where they are read, and do not keep anybody from the model', () =>
    withRun(async ({ run }) => {
      appendFileSync(join(run, 'data', 'train.arrow'), 'x')
      expect((await findModel(run)).checkpoint).to.equal('best')
      for (const use of [() => openSplit(run, 'train'), () => continueRun(run)])
        expect(await userError(use)).to.match(/train\.arrow has changed/)
    }))

  it('are the same in a copy, and what a user adds is of no account', () =>
    withRun(async ({ run }) => {
      const copy = `${run}-copy`
      cpSync(run, copy, { recursive: true })
      writeFileSync(join(copy, 'notes.txt'), 'mine')
      expect((await findModel(copy)).base).to.equal(copy)
      await continueRun(copy)
      expect(readdirSync(copy)).to.include('notes.txt')
      await poke(join(copy, 'model.safetensors'), WEIGHT, 3, 7)
      expect(await userError(() => findModel(copy))).to.match(/model\.safetensors has changed/)
    }))
})
