import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { readManifest } from '../../src/formats/manifest.ts'
import { withFolder } from '../data/helpers.ts'
import { writeTinyModel } from '../tiny_model.ts'
import { createTinyRun } from '../training/tiny_run.ts'
import { runHere } from './run_cli.ts'

/** The digests of its graphs and weights, and what is to be known to take a step with them. */
async function contentOf(folder: string) {
  const { files, models, precision, gradient_checkpointing, constants, head, options } =
    await readManifest(folder)
  const what = { models, precision, gradient_checkpointing, constants, head, options }
  const sealed = Object.entries(files).filter(([name]) => /\.(onnx|safetensors)$/.test(name))
  return { sealed: Object.fromEntries(sealed), ...what }
}

const rows = {
  sft: [{ text: 'a dog is an animal' }],
  dpo: [{ prompt: 'a dog is', chosen: ' an animal', rejected: ' a lamp' }],
  classification: [
    { text: 'a dog', label: 'yes' },
    { text: 'a lamp', label: 'no' },
  ],
}

/** Options of a run, and the flags that say the same. */
type Alike = readonly [task: keyof typeof rows, config: object, flags: readonly string[]]

const alike: readonly Alike[] = [
  ['sft', { base: 'int4' }, ['--base', 'int4']],
  ['sft', { base: 'bf16', precision: 'bf16' }, ['--base', 'bf16', '--precision', 'bf16']],
  ['sft', { base: 'fp16' }, ['--base', 'fp16']],
  ['sft', { precision: 'fp16' }, ['--precision', 'fp16']],
  ['sft', { gradient_checkpointing: true }, ['--gradient-checkpointing']],
  ['sft', { gradient_checkpointing: 2 }, ['--gradient-checkpointing', '2']],
  ['sft', { gradient_checkpointing: false }, ['--gradient-checkpointing', 'false']],
  [
    'sft',
    { lora: 'full', precision: 'bf16', gradient_checkpointing: true },
    ['--full', '--precision', 'bf16', '--gradient-checkpointing'],
  ],
  [
    'dpo',
    { base: 'int4', precision: 'fp16', gradient_checkpointing: true },
    ['--base', 'int4', '--precision', 'fp16', '--gradient-checkpointing'],
  ],
  [
    'classification',
    { base: 'int4', precision: 'bf16', gradient_checkpointing: true, classifier_dropout: 0 },
    ['--classes', 'no,yes', '--base', 'int4', '--precision', 'bf16', '--gradient-checkpointing'],
  ],
]

describe('ortune export', () => {
  for (const [task, config, flags] of alike)
    it(`writes the graphs and weights of a run of ${task}: ${flags.join(' ')}`, () =>
      withFolder(async (folder) => {
        const { run } = await createTinyRun(folder, rows[task], { task, ...config })
        const to = ['--model', 'model', '--out', 'out', '--task', task, '--lora-r', '4', '--lora-alpha', '8']
        const { code, stderr } = await runHere(folder, 'export', ...to, ...flags)
        expect(code, stderr).to.equal(0)
        const made = await contentOf(join(folder, 'out'))
        expect(Object.keys(made.sealed)).to.have.length('base' in config ? 6 : 5)
        expect(made.constants).to.deep.equal({
          ...('lora' in config ? {} : { lora_scale: 2 }),
          ...('precision' in config && config.precision === 'fp16' ? { loss_scale: 65536 } : {}),
        })
        expect(made).to.deep.equal(await contentOf(run))
      }))

  it('writes another training graph with each option', () =>
    withFolder(async (folder) => {
      await createTinyRun(folder, rows.sft)
      const each = [
        '',
        '--base bf16',
        '--precision bf16',
        '--gradient-checkpointing',
        '--gradient-checkpointing 2',
      ]
      const graphs = new Set<string>()
      for (const [i, flags] of each.entries()) {
        const given = flags.split(' ').filter(Boolean)
        const { code } = await runHere(folder, 'export', '--model', 'model', '--out', `out-${i}`, ...given)
        expect(code).to.equal(0)
        graphs.add((await contentOf(join(folder, `out-${i}`))).sealed['training_model.onnx']!)
      }
      expect(graphs.size).to.equal(each.length)
    }))

  it('refuses a base where nothing is frozen, and writes nothing', () =>
    withFolder(async (folder) => {
      await writeTinyModel(join(folder, 'model'))
      const asked = ['--model', 'model', '--out', 'out', '--full', '--base', 'int4']
      const { code, stderr } = await runHere(folder, 'export', ...asked)
      expect(code).to.equal(2)
      expect(stderr).to.equal(
        'ortune: base int4 is for frozen weights, and lora full freezes none; leave base out, or train adapters\n',
      )
      expect(await readdir(folder)).to.deep.equal(['model'])
    }))
})
