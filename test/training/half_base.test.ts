import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { openModelFolder, writeModelFolder } from '../../src/formats/model_folder.ts'
import { readTensors } from '../../src/formats/safetensors.ts'
import { readStored } from '../../src/formats/read_stored.ts'
import { runConfigSchema } from '../../src/runs/config.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { createRun } from '../../src/runs/create.ts'
import { openGenerator } from '../../src/models/open_generator.ts'
import { withFolder } from '../data/helpers.ts'
import { writeTinyModel } from '../tiny_model.ts'

/** A tiny model in a type, and one of float32 with the same numbers. */
async function writeTwins(folder: string, dtype: 'F16' | 'BF16'): Promise<[half: string, whole: string]> {
  const [given, half, whole] = ['given', 'half', 'whole'].map((name) => join(folder, name))
  await writeTinyModel(given!)
  const { config, tensors } = await openModelFolder(given!)
  const files = ['tokenizer.json', 'tokenizer_config.json'] as const
  const texts = files.map(async (name) => [name, await readFile(join(given!, name), 'utf8')] as const)
  const content = { config, tokenizerFiles: Object.fromEntries(await Promise.all(texts)) }
  await writeModelFolder(half!, { ...content, tensors: await readStored(tensors), dtype })
  const rounded = await readTensors(join(half!, 'model.safetensors'))
  await writeModelFolder(whole!, { ...content, tensors: rounded })
  return [half!, whole!]
}

describe('a model of 16-bit weights', () => {
  for (const dtype of ['F16', 'BF16'] as const)
    for (const lora of [undefined, 'full'] as const)
      it(`of ${dtype} is trained and used as it is stored, ${lora ?? 'with adapters'}`, async () => {
        await withFolder(async (folder) => {
          const [half, whole] = await writeTwins(folder, dtype)
          const path = join(folder, 'rows.jsonl')
          await writeFile(path, '{"text":"a lamp is lit"}\n{"text":"the sea is wide"}\n')
          const data = ['train', 'validation'].map((split) => ({ path, split: { all: split } }))
          const told: unknown[] = []
          const texts: string[] = []
          for (const model of [half, whole]) {
            const run = `${model}-run`
            const rest = { data, lora, max_steps: 3, learning_rate: 0.01 }
            await createRun(runConfigSchema.parse({ model, output_dir: run, ...rest }))
            const losses: number[] = []
            await continueRun(run, {
              step: ({ loss }) => void losses.push(loss),
              evaluation: ({ eval_loss }) => void losses.push(eval_loss),
            })
            told.push(losses)
            const weights = 'model.safetensors'
            expect(await readFile(join(run, weights))).to.deep.equal(await readFile(join(model, weights)))
            const generator = await openGenerator(run)
            texts.push((await generator.generate(['a lamp'], { max_new_tokens: 8 }))[0]!.text)
            await generator.release()
          }
          expect(told[0]).to.have.length.greaterThan(3)
          // Both widen to the same numbers, and compute the same with them.
          ;(told[0] as number[]).forEach((loss, i) =>
            expect(loss).to.be.closeTo((told[1] as number[])[i]!, 1e-5),
          )
          expect(texts[0]).to.equal(texts[1])
        })
      })
})
