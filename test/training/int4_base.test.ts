import { readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'

import { expect } from 'chai'

import { languageModelTrainable } from '../../graphs/models/language_model.ts'
import { sftTrainingGraph } from '../../graphs/tasks/sft.ts'
import { externalData } from '../../src/formats/external_data.ts'
import { FROZEN_FILE, openFrozenFolder, writeFrozen } from '../../src/formats/frozen_weights.ts'
import { readManifest } from '../../src/formats/manifest.ts'
import { openModelFolder, writeModelFolder } from '../../src/formats/model_folder.ts'
import { quantise, scalesShape, BLOCK } from '../../src/formats/quantise.ts'
import type { FloatTensor } from '../../src/formats/safetensors.ts'
import { readTensors } from '../../src/formats/safetensors.ts'
import { readStored } from '../../src/formats/read_stored.ts'
import type { Listener } from '../../src/learning/listeners.ts'
import { openGenerator } from '../../src/models/open_generator.ts'
import { inspect } from '../../src/report/inspection.ts'
import { runConfigSchema } from '../../src/runs/config.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { createRun } from '../../src/runs/create.ts'
import { runHere } from '../cli/run_cli.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { bertFixture } from '../graphs/bert_fixtures.ts'
import { checkGradients } from '../graphs/check_gradients.ts'
import { toHost } from '../graphs/tensor.ts'
import { tinyConfig, tinyLora, writeTinyModel } from '../tiny_model.ts'
import { random } from '../graphs/tensor.ts'

/** What is left of a matrix: blocks along the axis that GPT-2 sums over. */
function rounded({ shape, data }: FloatTensor, name: string): FloatTensor {
  if (shape.length < 2) return { shape, data }
  const [bits, axis] = /\.w[tp]e\./.test(name) ? ([8, 1] as const) : ([4, 0] as const)
  const { codes, scales } = quantise(data, shape, axis, bits)
  const columns = scalesShape(shape, axis)[1]!
  const scale = (i: number, j: number) =>
    scales[axis === 0 ? Math.floor(i / BLOCK) * columns + j : i * columns + Math.floor(j / BLOCK)]!
  return { shape, data: data.map((_, at) => codes[at]! * scale(Math.floor(at / shape[1]!), at % shape[1]!)) }
}

/** A tiny model, and one of float32 whose numbers are what is left of its own with `base: int4`. */
async function writeTwins(folder: string): Promise<[given: string, twin: string]> {
  const [given, twin] = ['given', 'twin'].map((name) => join(folder, name)) as [string, string]
  await writeTinyModel(given)
  const { config, tensors } = await openModelFolder(given)
  const files = ['tokenizer.json', 'tokenizer_config.json'] as const
  const texts = files.map(async (name) => [name, await readFile(join(given, name), 'utf8')] as const)
  await writeModelFolder(twin, {
    config,
    tokenizerFiles: Object.fromEntries(await Promise.all(texts)),
    tensors: new Map([...(await readStored(tensors))].map(([name, tensor]) => [name, rounded(tensor, name)])),
  })
  return [given, twin]
}

async function configuration(folder: string, model: string, changes: object = {}) {
  const path = join(folder, 'rows.jsonl')
  await writeFile(path, '{"text":"a lamp is lit"}\n{"text":"the sea is wide"}\n')
  const data = ['train', 'validation'].map((split) => ({ path, split: { all: split } }))
  const rest = { data, max_steps: 3, learning_rate: 0.01 }
  return runConfigSchema.parse({ model, output_dir: `${model}-run`, ...rest, ...changes })
}

async function lossesOf(run: string): Promise<number[]> {
  const losses: number[] = []
  await continueRun(run, {
    step: ({ loss }) => void losses.push(loss),
    evaluation: ({ eval_loss }) => void losses.push(eval_loss),
  })
  return losses
}

async function textOf(model: string): Promise<string> {
  const generator = await openGenerator(model)
  const [made] = await generator.generate(['a lamp'], { max_new_tokens: 8 })
  await generator.release()
  return made!.text
}

describe('base: int4', () => {
  it('trains and writes with the dequantised matrices, and merges into the model itself', async () => {
    await withFolder(async (folder) => {
      const [given, twin] = await writeTwins(folder)
      await createRun(await configuration(folder, given, { base: 'int4' }))
      await createRun(await configuration(folder, twin))
      const [run, other] = [`${given}-run`, `${twin}-run`]
      expect((await readManifest(run)).opset).to.equal(21)
      expect((await readManifest(other)).opset).to.equal(20)
      expect(Object.keys((await readManifest(run)).files)).to.include(FROZEN_FILE)
      const inputs = (await readManifest(run)).models['training_model.onnx']!.inputs
      expect(inputs).to.deep.equal((await readManifest(other)).models['training_model.onnx']!.inputs)

      const [losses, expected] = [await lossesOf(run), await lossesOf(other)]
      expect(losses).to.have.length.greaterThan(3)
      losses.forEach((loss, i) => expect(loss).to.be.closeTo(expected[i]!, 1e-4))
      expect(await textOf(run)).to.equal(await textOf(other))
      expect((await inspect(run)).models['training_model.onnx']!.flops_per_token).to.be.greaterThan(0)

      const out = join(folder, 'merged')
      const { code, stderr } = await runHere(folder, 'merge', run, '--out', out)
      expect(code, stderr).to.equal(0)
      const [merged, own] = [out, given].map((name) => readTensors(join(name, 'model.safetensors')))
      for (const name of ['transformer.h.0.mlp.c_fc.weight', 'transformer.wte.weight'])
        expect((await merged!).get(name)).to.deep.equal((await own!).get(name))

      await rm(join(run, FROZEN_FILE))
      expect(await userError(() => openGenerator(run))).to.match(/model\.frozen\.safetensors is missing/)
    })
  })

  it('trains the head of a BERT', async () => {
    await withFolder(async (folder) => {
      const model = bertFixture('model')
      const path = join(folder, 'labels.jsonl')
      await writeFile(
        path,
        '{"text":"the sun is warm","label":"joy"}\n{"text":"cold and dark","label":"sadness"}\n',
      )
      const data = ['train', 'validation'].map((split) => ({ path, split: { all: split } }))
      const changes = {
        task: 'classification',
        base: 'int4',
        data,
        output_dir: join(folder, 'run'),
        lora: 'none',
      }
      const config = await configuration(folder, model, changes)
      await createRun({ ...config, model, output_dir: join(folder, 'run') })
      const losses = await lossesOf(join(folder, 'run'))
      expect(losses.every((loss) => loss > 0 && loss < 3)).to.equal(true)
    })
  })

  it('is refused where nothing is frozen', async () => {
    await withFolder(async (folder) => {
      const [given] = await writeTwins(folder)
      const config = await configuration(folder, given, { base: 'int4', lora: 'full' })
      expect(await userError(() => createRun(config))).to.equal(
        'base int4 is for frozen weights, and lora full freezes none; leave base out, or train adapters',
      )
    })
  })

  it('has the gradients of the dequantised matrices', async () => {
    await withFolder(async (folder) => {
      await writeTinyModel(folder)
      await writeFrozen(folder, 'int4')
      const { tensors } = await openFrozenFolder(folder)
      const model = { config: tinyConfig, lora: tinyLora, dtype: 'float64' } as const
      const graph = sftTrainingGraph({ ...model, stored: externalData(tensors, basename) })
      const ids = { dtype: 'int64', dims: [1, 4], data: BigInt64Array.of(5n, 300n, 17n, 2n) } as const
      const feeds = {
        input_ids: ids,
        attention_mask: { ...ids, data: new BigInt64Array(4).fill(1n) },
        position_ids: { ...ids, data: BigInt64Array.of(0n, 1n, 2n, 3n) },
        label_positions: { dtype: 'int64', dims: [3], data: BigInt64Array.of(0n, 1n, 2n) },
        labels: { dtype: 'int64', dims: [3], data: BigInt64Array.of(300n, 17n, 2n) },
        label_weights: toHost(random('weights', [3], 0.2, 0.5), 'float64'),
        lora_scale: { dtype: 'float64', dims: [], data: Float64Array.of(2) },
        ...Object.fromEntries(
          [...languageModelTrainable(model)].map(([name, shape]) => [
            name,
            toHost(random(name, shape, -0.3, 0.3), 'float64'),
          ]),
        ),
      } as const
      const { worst } = await checkGradients(graph, feeds, { elements: 3, folder })
      expect(worst).to.be.greaterThan(0)
    })
  })
})

for (const base of ['fp16', 'bf16'] as const)
  describe(`base: ${base}`, () => {
    it('keeps a model of float32 in half the bytes, nearly as good', async () => {
      await withFolder(async (folder) => {
        const [given, twin] = await writeTwins(folder)
        await createRun(await configuration(folder, given, { base }))
        await createRun(await configuration(folder, given, { output_dir: `${twin}-run` }))
        const [half, whole] = [await lossesOf(`${given}-run`), await lossesOf(`${twin}-run`)]
        half.forEach((loss, i) => expect(loss).to.be.closeTo(whole[i]!, 0.05))
        expect(half).to.not.deep.equal(whole)
        const [frozen, own] = [FROZEN_FILE, 'model.safetensors'].map((name) =>
          readFile(join(`${given}-run`, name)),
        )
        expect((await frozen!).length).to.be.below(0.55 * (await own!).length)
        expect(await own!).to.deep.equal(await readFile(join(given, 'model.safetensors')))
      })
    })
  })

describe('an interrupted run of a stored base', () => {
  for (const base of ['int4', 'bf16'] as const)
    it(`goes on to the same bytes, ${base}`, () =>
      withFolder(async (folder) => {
        const model = join(folder, 'model')
        await writeTinyModel(model)
        const [cut, whole] = ['cut', 'whole'].map((name) => join(folder, name)) as [string, string]
        for (const output_dir of [cut, whole]) {
          const every = { max_steps: 6, eval_steps: 3, save_steps: 3, threads: 1 }
          await createRun(await configuration(folder, model, { ...every, base, output_dir }))
        }
        const seen: number[] = []
        const stop = new AbortController()
        const watcher: Listener = {
          step: ({ step }) => {
            seen.push(step)
            if (step === 4) stop.abort()
          },
        }
        await continueRun(cut, watcher, { signal: stop.signal })
        expect(seen).to.deep.equal([1, 2, 3, 4])
        await continueRun(cut, watcher)
        expect(seen).to.deep.equal([1, 2, 3, 4, 5, 6])
        await continueRun(whole)
        const kept = ['adapter_model.safetensors', 'optimizer.safetensors', 'trainer_state.json']
        for (const file of [
          ...kept.map((name) => join('checkpoints', 'last', name)),
          'log.jsonl',
          FROZEN_FILE,
        ])
          expect(await readFile(join(cut, file), 'base64'), file).to.equal(
            await readFile(join(whole, file), 'base64'),
          )
      }))
})
