import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { expect } from 'chai'

import { readTensors } from '../../src/formats/safetensors.ts'
import { openGenerator } from '../../src/models/open_generator.ts'
import { exportModel } from '../../src/exports/export_model.ts'
import { findModel } from '../../src/models/find_model.ts'
import { lossFault } from '../../src/learning/not_finite.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { poke } from '../formats/poke.ts'
import { resealCheckpoint } from '../formats/reseal.ts'
import { writeTinyModel } from '../tiny_model.ts'
import { createTinyRun } from '../training/tiny_run.ts'

const rows = ['fox', 'hen', 'owl', 'elk'].map((word) => ({ text: `a ${word} is an animal` }))

async function unsoundIn(run: string): Promise<string[]> {
  const found: string[] = []
  const checkpoints = join(run, 'checkpoints')
  if (!existsSync(checkpoints)) return found
  for (const path of await readdir(checkpoints, { recursive: true })) {
    if (!path.endsWith('.safetensors')) continue
    for (const [name, { data }] of await readTensors(join(checkpoints, path)))
      if (!data.every(Number.isFinite)) found.push(`${path}: ${name}`)
  }
  return found
}

describe('numbers that are not finite', () => {
  const cases: Readonly<Record<string, object>> = {
    'a LoRA': { learning_rate: 10 },
    'every parameter': { learning_rate: 10, lora: 'full' },
  }
  for (const [what, config] of Object.entries(cases))
    it(`are in no checkpoint of ${what} that grows without bound; step and tensor are named`, () =>
      withFolder(async (folder) => {
        const { run } = await createTinyRun(folder, rows, {
          ...{ max_steps: 200, save_steps: 1, max_grad_norm: 0, adam_beta2: 0, ...config },
        })
        expect(await userError(() => continueRun(run))).to.match(/step \d+.*|at step \d+, the tensor/)
        expect(await unsoundIn(run)).to.deep.equal([])
      }))

  it('at the first step of 16 bits are blamed on these, with what to take in their place', () =>
    withFolder(async (folder) => {
      const model = join(folder, 'model')
      await createTinyRun(join(folder, 'a'), rows)
      await writeTinyModel(model)
      // Within float32, and beyond float16 once it is multiplied.
      await poke(join(model, 'model.safetensors'), 'transformer.ln_f.weight', 2, 60_000)
      await poke(join(model, 'model.safetensors'), 'transformer.ln_f.bias', 2, 60_000)
      const { run } = await createTinyRun(join(folder, 'b'), rows, { model, precision: 'fp16', max_steps: 1 })
      expect(await userError(() => continueRun(run))).to.match(
        /^the loss is \S+ at step 1; nothing has been learned yet, and float16 ends at 65504, so make the run with precision bf16 or fp32$/,
      )
    }))

  it('after updates name the tensor beside the loss', async () => {
    const tensors = {
      names: ['a', 'b'],
      read: async (name: string) => Float32Array.of(0, name === 'b' ? NaN : 1),
    }
    const fault = await lossFault('the loss', NaN, { at: 3, next: 3 }, { tensors, options: {} })
    expect(fault.message).to.equal(
      'the loss is NaN at step 3, and b has numbers that are not finite; lower the learning rate',
    )
  })

  it('in a model keep a run from being made', () =>
    withFolder(async (folder) => {
      const model = join(folder, 'model')
      await writeTinyModel(model)
      await createTinyRun(join(folder, 'a'), rows)
      await poke(join(model, 'model.safetensors'), 'transformer.h.1.ln_1.weight', 2, NaN)
      const made = createTinyRun(join(folder, 'b'), rows, { model })
      expect(await userError(() => made)).to.match(
        /model\.safetensors: tensor transformer\.h\.1\.ln_1\.weight has values that are not finite \(NaN\)/,
      )
      expect(readdirSync(join(folder, 'b'))).not.to.include('run')
    }))

  it('in a model or an adapter are neither written with nor merged', () =>
    withFolder(async (folder) => {
      const { run, model } = await createTinyRun(folder, rows, { max_steps: 1 })
      await continueRun(run)
      const adapter = join(run, 'checkpoints', 'best', 'adapter_model.safetensors')
      const [name] = (await readTensors(adapter)).keys()
      await poke(adapter, name!, 0, NaN)
      await resealCheckpoint(dirname(adapter))
      await poke(join(model, 'model.safetensors'), 'transformer.ln_f.weight', 0, Infinity)
      expect(await userError(() => openGenerator(run))).to.match(/adapter_model\.safetensors is damaged/)
      // Of another tool's, whose digests nobody has.
      const other = join(folder, 'other')
      cpSync(dirname(adapter), other, { recursive: true })
      rmSync(join(other, 'trainer_state.json'))
      expect(await userError(() => openGenerator(run, { adapter: other }))).to.match(
        /other\/adapter_model\.safetensors is damaged: its tensor \S+ has values that are not finite \(NaN\); put it back/,
      )
      const generator = await openGenerator(model)
      expect(await userError(() => generator.generate(['a fox']))).to.match(
        /computes logits that are not finite/,
      )
      await generator.release()
      const out = join(folder, 'merged')
      const merged = async () => exportModel({ model: await findModel(model), out })
      expect(await userError(merged)).to.match(
        /the tensor \S+ has values that are not finite .* so it is not saved/,
      )
      expect(existsSync(out)).to.equal(false)
    }))
})

describe('a run that cannot start', () => {
  it('is not made: a provider that is not there', () =>
    withFolder(async (folder) => {
      expect(await userError(() => createTinyRun(folder, rows, { provider: 'cuda' }))).to.match(
        /cuda provider/,
      )
      expect(readdirSync(folder).sort()).to.deep.equal(['model', 'rows.jsonl'])
    }))
})
