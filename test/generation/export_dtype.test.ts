import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { readSafetensorsHeader, readTensors } from '../../src/formats/safetensors.ts'
import { createRun } from '../../src/runs/create.ts'
import { readModelConfig } from '../../src/formats/model_config.ts'
import { writeModelFolder } from '../../src/formats/model_folder.ts'
import { runHere } from '../cli/run_cli.ts'
import { withFolder } from '../data/helpers.ts'
import { writeTinyModel } from '../tiny_model.ts'
import { runConfigSchema } from '../../src/runs/config.ts'

const dtypes = async (file: string) => [
  ...new Set([...(await readSafetensorsHeader(file)).tensors.values()].map(({ dtype }) => dtype)),
]

describe('exported weights', () => {
  it('have the type of the model that training began with, or the one that is asked for; graphs read float32', async () => {
    await withFolder(async (folder) => {
      const [model, half, run] = ['model', 'half', 'run'].map((name) => join(folder, name)) as [
        string,
        string,
        string,
      ]
      await writeTinyModel(model)
      const tensors = await readTensors(join(model, 'model.safetensors'))
      const files = ['tokenizer.json', 'tokenizer_config.json'] as const
      const tokenizerFiles = Object.fromEntries(
        await Promise.all(
          files.map(async (name) => [name, await readFile(join(model, name), 'utf8')] as const),
        ),
      )
      await writeModelFolder(half, {
        config: await readModelConfig(model),
        tensors,
        dtype: 'BF16',
        tokenizerFiles,
      })
      expect(await dtypes(join(half, 'model.safetensors'))).to.deep.equal(['BF16'])

      const data = join(folder, 'data.jsonl')
      await writeFile(data, `${JSON.stringify({ text: 'a lamp' })}\n`)
      const sources = (['train', 'validation'] as const).map((split) => ({
        path: data,
        split: { all: split },
      }))
      await createRun(runConfigSchema.parse({ model: half, output_dir: run, data: sources, lora: 'full' }))

      for (const [from, flags, dtype, name] of [
        [half, [], 'BF16', 'bfloat16'],
        [half, ['--dtype', 'float16'], 'F16', 'float16'],
        [half, ['--dtype', 'float32'], 'F32', 'float32'],
        [model, [], 'F32', 'float32'],
        [run, ['--checkpoint', 'base'], 'BF16', 'bfloat16'],
      ] as const) {
        const out = join(folder, `${dtype}-${from === run}-${from === model}`)
        const { code, stderr } = await runHere(folder, 'merge', from, '--out', out, ...flags)
        expect(code, stderr).to.equal(0)
        const config = JSON.parse(await readFile(join(out, 'config.json'), 'utf8')) as object
        expect(config).to.deep.include({ dtype: name, torch_dtype: name })
        expect(config).to.not.have.property('ortune_base_dtype')
        const [own, graphs] = [join(out, 'model.safetensors'), join(out, 'onnx', 'model.onnx_data')]
        expect(await dtypes(own)).to.deep.equal([dtype])
        expect(await dtypes(graphs)).to.deep.equal(['F32'])
        // Both hold the same numbers.
        expect(await readTensors(graphs)).to.deep.equal(await readTensors(own))
      }
    })
  })
})
