import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

import { env, pipeline } from '@xenova/transformers'
import { expect } from 'chai'

import { factsOf } from '../../graphs/models/family.ts'
import { exportClassifier } from '../../src/exports/export_classifier.ts'
import { exportModel } from '../../src/exports/export_model.ts'
import type { ExportType } from '../../src/exports/export_type.ts'
import { findModel } from '../../src/models/find_model.ts'
import { inspect } from '../../src/report/inspection.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import type { Feeds, HostTensor, Session } from '../../src/runtime/session.ts'
import { openWebSession } from '../../src/runtime/web.ts'
import { createTinyRun } from '../training/tiny_run.ts'

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
  it('have the type of the model that training began with, or the one that is asked for, and graphs read the same file', async () => {
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
        [half, ['--dtype', 'fp16'], 'F16', 'float16'],
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
        expect((await stat(graphs)).ino).to.equal((await stat(own)).ino)
      }
    })
  })
})

const pocket = join(import.meta.dirname, '..', '..', 'artifacts', 'pocket')

const graphOf = (type: ExportType) => `model${type === 'INT4' ? '_q4' : ''}.onnx`

/** Numbers that are no text of any kind, so that a model is not sure of what follows. */
const ids = Array.from({ length: 48 }, (_, t) => 20 + ((t * t * 7) % 900))

async function cacheFeeds(model: string): Promise<Feeds> {
  const { layers, kvHeads, headSize } = factsOf(await readModelConfig(model))
  const int64 = (at: (t: number) => number): HostTensor => ({
    ...{ dtype: 'int64', dims: [1, ids.length] },
    data: BigInt64Array.from(ids, (_, t) => BigInt(at(t))),
  })
  const empty = { dtype: 'float32', dims: [1, kvHeads, 0, headSize], data: new Float32Array(0) } as const
  const names = Array.from({ length: layers }, (_, i) => [`${i}.key`, `${i}.value`]).flat()
  return {
    ...{ input_ids: int64((t) => ids[t]!), attention_mask: int64(() => 1), position_ids: int64((t) => t) },
    ...Object.fromEntries(names.map((name) => [`past_key_values.${name}`, empty])),
  }
}

/** Logits of each position. */
async function logitsOf(session: Session, feeds: Feeds): Promise<Float64Array[]> {
  const { logits } = await session.run(feeds, { outputs: ['logits'] })
  await session.release()
  const [, positions, width] = logits!.dims as [number, number, number]
  const data = Float64Array.from(logits!.data as Float32Array)
  return Array.from({ length: positions }, (_, t) => data.subarray(t * width, (t + 1) * width))
}

const logSoftmax = (z: Float64Array): Float64Array => {
  const largest = z.reduce((a, b) => Math.max(a, b))
  const sum = z.reduce((total, x) => total + Math.exp(x - largest), 0)
  return z.map((x) => x - largest - Math.log(sum))
}

/** KL(P ‖ Q) in nats, the mean of positions. */
function divergence(p: readonly Float64Array[], q: readonly Float64Array[]): number {
  const each = p.map((z, t) => {
    const [a, b] = [logSoftmax(z), logSoftmax(q[t]!)]
    return a.reduce((sum, x, i) => sum + Math.exp(x) * (x - b[i]!), 0)
  })
  return each.reduce((a, b) => a + b) / each.length
}

describe('an exported graph in few bits', function () {
  this.timeout(120_000)
  /** Bytes and KL to float32, at most; twice what was measured of other tokens (3.7e-7, 2.2e-5, 0.018). */
  const bounds = { F16: [0.51, 1e-6], BF16: [0.51, 5e-5], INT4: [0.2, 0.04] } as const

  it('is as small as its type, and answers nearly as float32 does, in every ONNX Runtime', () =>
    withFolder(async (folder) => {
      const model = await findModel(pocket)
      const feeds = await cacheFeeds(pocket)
      const exported = async (dtype: ExportType) => {
        const out = join(folder, dtype)
        await exportModel({ model, out, dtype })
        const graph = join(out, 'onnx', graphOf(dtype))
        const data = await readFile(`${graph}_data`)
        const logits = await logitsOf(await openNodeSession(graph), feeds)
        return { out, graph, data, logits }
      }
      const whole = await exported('F32')
      for (const type of ['F16', 'BF16', 'INT4'] as const) {
        const { out, graph, data, logits } = await exported(type)
        const [bytes, apart] = bounds[type]
        expect(data.length / whole.data.length, type).to.be.below(bytes)
        const found = divergence(whole.logits, logits)
        expect(found, type).to.be.within(apart / 100, apart)
        const plainly = await logitsOf(await openNodeSession(graph, { optimization: 'disabled' }), feeds)
        expect(divergence(plainly, logits), `${type}, optimized`).to.be.below(1e-9)
        const inspected = (await inspect(out)).models[`onnx/${basename(graph)}`]!
        expect(inspected.flops_per_token).to.be.greaterThan(1e6)

        const web = await openWebSession(await readFile(graph), {
          externalData: [{ path: `${graphOf(type)}_data`, data }],
        })
        expect(web.inputNames).to.deep.equal(Object.keys(feeds))
        expect(divergence(logits, await logitsOf(web, feeds)), `${type} on the web`).to.be.below(1e-6)

        Object.assign(env, { allowRemoteModels: false, localModelPath: dirname(out) })
        const generator = await pipeline('text-generation', basename(out))
        const prompt = generator.tokenizer('A lamp is a')
        const told = (await generator.model(prompt)) as {
          logits: { data: Float32Array; dims: number[] }
        }
        await generator.dispose()
        const [, positions, width] = told.logits.dims as [number, number, number]
        expect([positions, width]).to.deep.equal([prompt.input_ids.dims[1], logits[0]!.length])
        expect(told.logits.data.every(Number.isFinite)).to.equal(true)
      }
    }))

  it('is found by transformers.js under the names that it has for types', () =>
    withFolder(async (folder) => {
      Object.assign(env, { allowRemoteModels: false, localModelPath: folder })
      const half = join(folder, 'half')
      await exportModel({ model: await findModel(pocket), out: half, dtype: 'F16' })
      const of = async (out: string, dtype: 'fp32' | 'fp16' | 'q4') => {
        const generator = await pipeline('text-generation', out, { dtype })
        const { logits } = (await generator.model(generator.tokenizer('A lamp is a'))) as {
          logits: { data: Float32Array; dims: [number, number, number] }
        }
        await generator.dispose()
        const [, positions, width] = logits.dims
        const data = Float64Array.from(logits.data)
        return Array.from({ length: positions }, (_, t) => data.subarray(t * width, (t + 1) * width))
      }
      const made = async (out: string, base: string, dtype?: ExportType) => {
        await exportModel({ model: await findModel(base), out: join(folder, out), dtype })
        return readdir(join(folder, out, 'onnx'))
      }
      const files = (...graphs: string[]) => graphs.flatMap((name) => [`${name}.onnx`, `${name}.onnx_data`])
      expect(await made('whole', pocket, 'F32')).to.have.members(files('model'))
      expect(await made('plain', half)).to.have.members(files('model', 'model_fp16'))
      expect(await made('few', half, 'INT4')).to.have.members(files('model_q4'))
      const whole = await of('whole', 'fp32')
      for (const [out, dtype, type] of [
        ['half', 'fp16', 'F16'],
        ['half', 'fp32', 'F16'],
        ['plain', 'fp16', 'F16'],
        ['few', 'q4', 'INT4'],
      ] as const) {
        const apart = bounds[type][1]
        expect(divergence(whole, await of(out, dtype)), `${out}, ${dtype}`).to.be.within(apart / 100, apart)
      }
      // A browser is handed the weights by the name that the graph has for them.
      const graph = join(half, 'onnx', 'model_fp16.onnx')
      const data = await readFile(`${graph}_data`)
      const web = await openWebSession(await readFile(graph), {
        externalData: [{ path: 'model_fp16.onnx_data', data }],
      })
      await web.release()
      const { models } = await inspect(half)
      const costs = ['model', 'model_fp16'].map((name) => models[`onnx/${name}.onnx`]!.flops_per_token)
      expect(costs[0]).to.be.greaterThan(1e6)
      expect(costs[1]).to.equal(costs[0])
      const numbers = await Promise.all(
        ['model.safetensors', ...['model', 'model_fp16'].map((name) => `onnx/${name}.onnx_data`)].map(
          (name) => stat(join(half, name)),
        ),
      )
      expect(new Set(numbers.map(({ ino }) => ino)).size, 'weights are stored once').to.equal(1)
    }))

  it('is that of a classifier, whose head stays float32', () =>
    withFolder(async (folder) => {
      const rows = ['a dog', 'a cat', 'the sea', 'a hill'].map((text, i) => ({
        ...{ text, label: i < 2 ? 'animal' : 'place' },
      }))
      const { run } = await createTinyRun(folder, rows, { task: 'classification', max_steps: 2 })
      await continueRun(run)
      const model = await findModel(run)
      const [input_ids, attention_mask] = [ids.slice(0, 8), new Array<number>(8).fill(1)].map(
        (numbers): HostTensor => ({
          ...{ dtype: 'int64', dims: [1, 8], data: BigInt64Array.from(numbers, (n) => BigInt(n % 512)) },
        }),
      )
      const exported = async (type: ExportType) => {
        const out = join(folder, type)
        await exportClassifier(model, out, type)
        const graphs = (await readdir(join(out, 'transformers.js', 'onnx'))).filter((name) => /x$/.test(name))
        const half = type === 'F16' ? ['model_fp16.onnx'] : []
        expect(graphs).to.have.members([graphOf(type), ...half])
        const session = await openNodeSession(join(out, 'transformers.js', 'onnx', graphOf(type)))
        const { logits } = await session.run({ input_ids: input_ids!, attention_mask: attention_mask! })
        await session.release()
        return Float64Array.from(logits!.data as Float32Array)
      }
      const whole = await exported('F32')
      for (const [type, bound] of [
        ['F16', 0.01],
        ['BF16', 0.05],
        ['INT4', 0.5],
      ] as const) {
        const found = await exported(type)
        expect(found, type).to.not.deep.equal(whole)
        found.forEach((logit, i) => expect(logit, type).to.be.closeTo(whole[i]!, bound))
      }
      const { tensors } = await readSafetensorsHeader(
        join(folder, 'INT4', 'transformers.js', 'onnx', 'model_q4.onnx_data'),
      )
      expect(tensors.get('score.weight')).to.include({ dtype: 'F32' })
      expect([...tensors.keys()]).to.include('transformer.h.0.mlp.c_fc.weight.int4')
    }))

  it('takes adapters as inputs, too, and is what the command and the card say', () =>
    withFolder(async (folder) => {
      const { run } = await createTinyRun(folder, [{ text: 'a lamp' }], { max_steps: 1 })
      await continueRun(run)
      const out = join(folder, 'out')
      const { code, stdout } = await runHere(
        ...([folder, 'merge', run, '--out', out, '--dtype', 'int4', '--adapter-inputs'] as const),
      )
      expect(code).to.equal(0)
      expect(stdout).to.include('model_lora_q4.onnx')
      const session = await openNodeSession(join(out, 'onnx', 'model_lora_q4.onnx'))
      expect(session.inputNames).to.include('lora_scale')
      await session.release()
      expect(await readFile(join(out, 'README.md'), 'utf8')).to.include("{ dtype: 'q4' }")
      expect(JSON.parse(await readFile(join(out, 'config.json'), 'utf8'))).to.deep.include({
        'transformers.js_config': { dtype: 'q4', use_external_data_format: { 'model_q4.onnx': 1 } },
      })
    }))
})
