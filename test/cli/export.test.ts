import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { readManifest } from '../../src/formats/manifest.ts'
import { createRun } from '../../src/runs/create.ts'
import { runConfigSchema } from '../../src/runs/config.ts'
import { withFolder } from '../data/helpers.ts'
import { writeTinyModel } from '../tiny_model.ts'
import { runHere } from './run_cli.ts'

/** The digests of its graphs and weights, and what is to be known to take a step with them. */
async function contentOf(folder: string) {
  const { files, models, precision, constants } = await readManifest(folder)
  const sealed = Object.entries(files).filter(([name]) => /\.(onnx|safetensors)$/.test(name))
  return { sealed: Object.fromEntries(sealed), models, precision, constants }
}

describe('ortune export', () => {
  for (const [base, precision] of [
    ['int4', 'fp32'],
    ['bf16', 'bf16'],
    ['fp16', 'fp32'],
    [null, 'fp16'],
  ] as const)
    it(`writes the graphs and weights of a run: base ${base}, precision ${precision}`, () =>
      withFolder(async (folder) => {
        const [model, run, out] = ['model', 'run', 'out'].map((name) => join(folder, name)) as [
          string,
          string,
          string,
        ]
        await writeTinyModel(model)
        const path = join(folder, 'data.jsonl')
        await writeFile(path, '{"text":"a lamp"}\n')
        const data = ['train', 'validation'].map((all) => ({ path, split: { all } }))
        const lora = { r: 2, lora_alpha: 16, target_modules: ['mlp.c_fc'] }
        await createRun(runConfigSchema.parse({ model, output_dir: run, data, lora, base, precision }))
        const flags = ['--lora-r', '2', '--lora-targets', 'mlp.c_fc', '--precision', precision]
        if (base) flags.push('--base', base)
        const { code, stderr } = await runHere(folder, 'export', '--model', model, '--out', out, ...flags)
        expect(code, stderr).to.equal(0)
        const made = await contentOf(out)
        expect(Object.keys(made.sealed)).to.have.length(base ? 6 : 5)
        expect(made.constants).to.have.keys('lora_scale', ...(precision === 'fp16' ? ['loss_scale'] : []))
        expect(made).to.deep.equal(await contentOf(run))
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
