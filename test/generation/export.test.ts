import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

import { env, pipeline } from '@xenova/transformers'
import { expect } from 'chai'

import { sizeOf } from '../../graphs/ir/shape.ts'
import { exportModel } from '../../src/exports/export_model.ts'
import { openGenerator } from '../../src/models/open_generator.ts'
import { readPeftAdapter } from '../../src/formats/peft.ts'
import { tensorFeeds } from '../../src/formats/tensor_feeds.ts'
import { loraScale } from '../../src/runtime/feeds.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import type { Feeds } from '../../src/runtime/session.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { tinyConfig, tinyLora, writeTinyAdapter, writeTinyModel } from '../tiny_model.ts'

const prompts = [
  'Word: dog ;',
  'héllo wörld',
  '世界は',
  'The 🙂 is',
  'a  b\n\nc',
  'Ἑλλάς',
  'עברית',
  'one<|endoftext|>two',
]
const newTokens = 30

interface Parts {
  readonly base: string
  readonly adapter: string
  readonly out: string
}

/** A tiny model and an adapter for it. */
const withParts = (use: (parts: Parts) => Promise<void>): Promise<void> =>
  withFolder(async (folder) => {
    const parts = { base: join(folder, 'base'), adapter: join(folder, 'adapter'), out: join(folder, 'out') }
    await writeTinyModel(parts.base)
    await writeTinyAdapter(parts.adapter)
    await use(parts)
  })

/** What ortune generates, greedily. */
async function byOrtune(folder: string, adapter?: string) {
  const generator = await openGenerator(folder, { adapter })
  try {
    return await generator.generate(prompts, { max_new_tokens: newTokens })
  } finally {
    await generator.release()
  }
}

/** What transformers.js generates, greedily: the new tokens and the whole text. */
async function byTransformersJs(folder: string): Promise<{ tokens: number[]; text: string }[]> {
  Object.assign(env, { allowRemoteModels: false, localModelPath: dirname(folder) })
  const generator = await pipeline('text-generation', basename(folder))
  const results = []
  const options = { max_new_tokens: newTokens, do_sample: false }
  for (const prompt of prompts) {
    const inputs = generator.tokenizer(prompt)
    const ids = (await generator.model.generate({ ...inputs, ...options })) as { tolist(): bigint[][] }
    const length = inputs.input_ids.dims.at(-1) as number
    const [{ generated_text }] = (await generator(prompt, options)) as [{ generated_text: string }]
    results.push({ tokens: ids.tolist()[0]!.slice(length).map(Number), text: generated_text })
  }
  await generator.dispose()
  return results
}

describe('generation/export_model', () => {
  it('writes what transformers.js continues token for token as ortune does, before and after merging', async () => {
    await withParts(async ({ base, adapter, out }) => {
      await exportModel({ model: { base, adapter }, out })
      const adapted = await byOrtune(base, adapter)
      const merged = await byOrtune(out)
      const elsewhere = await byTransformersJs(out)
      const plain = await byOrtune(base)

      expect(merged).to.deep.equal(adapted)
      for (const [i, { tokens, finished, prompt, text }] of merged.entries()) {
        const ended = finished ? [...tokens, tinyConfig.eos_token_id] : tokens
        expect(elsewhere[i]!.tokens, prompt).to.deep.equal(ended)
        expect(elsewhere[i]!.text, prompt).to.equal((prompt + text).replace('<|endoftext|>', ''))
      }
      // The comparison would mean little without an adapter that acts, and without texts that end and texts that do not.
      expect(merged.map(({ tokens }) => tokens)).to.not.deep.equal(plain.map(({ tokens }) => tokens))
      expect(new Set(merged.map(({ finished }) => finished)).size).to.equal(2)
    })
  })

  it('stores the weights once', async () => {
    await withParts(async ({ base, out }) => {
      await exportModel({ model: { base }, out })
      const [weights, data] = await Promise.all(
        ['model.safetensors', 'onnx/model.onnx_data'].map((name) => stat(join(out, name))),
      )
      expect(data!.ino).to.equal(weights!.ino)
      expect((await stat(join(out, 'onnx/model.onnx'))).size).to.be.below(50_000)
    })
  })

  it('takes adapters as inputs that are exchanged from run to run', async () => {
    await withParts(async ({ base, adapter, out }) => {
      await exportModel({ model: { base, adapter }, out, adapterInputs: true })
      const other = `${adapter}-2`
      await writeTinyAdapter(other, 2)
      const session = await openNodeSession(join(out, 'onnx', 'model_lora.onnx'))
      for (const folder of [join(out, 'adapter'), other]) {
        const { tensors } = await readPeftAdapter(folder)
        const scale = loraScale(tinyLora.lora_alpha / tinyLora.r)
        const swapped = await session.run({ ...inferenceFeeds(), ...tensorFeeds(tensors), ...scale })
        const merged = `${folder}-merged`
        await exportModel({ model: { base, adapter: folder }, out: merged })
        expect(difference(swapped['logits']!.data, await logitsOf(merged))).to.be.below(1e-4)
      }
      const { tensors } = await readPeftAdapter(adapter)
      const off = await session.run({ ...inferenceFeeds(), ...tensorFeeds(tensors), ...loraScale(0) })
      expect(difference(off['logits']!.data, await logitsOf(out))).to.equal(0)
      await session.release()
    })
  })

  it('writes nothing where it cannot do what is asked', async () => {
    await withParts(async ({ base, adapter, out }) => {
      const before = await readdir(dirname(out), { recursive: true })
      expect(await userError(() => exportModel({ model: { base }, out, adapterInputs: true }))).to.match(
        /base has no adapter to keep apart/,
      )
      expect(await userError(() => exportModel({ model: { base, adapter }, out: base }))).to.match(
        /base holds files already; name an empty or new folder/,
      )
      expect(await readdir(dirname(out), { recursive: true })).to.deep.equal(before)
    })
  })
})

/** Two sequences of four tokens and an empty cache. */
function inferenceFeeds(): Feeds {
  const { n_layer, n_head, n_embd } = tinyConfig
  const int64 = (dims: number[], at: (i: number) => number) => {
    const length = sizeOf(dims)
    return { dtype: 'int64', dims, data: BigInt64Array.from({ length }, (_, i) => BigInt(at(i))) } as const
  }
  const dims = [2, n_head, 0, n_embd / n_head]
  const empty = { dtype: 'float32', dims, data: new Float32Array(0) } as const
  const names = Array.from({ length: n_layer }, (_, i) => [`${i}.key`, `${i}.value`]).flat()
  return {
    input_ids: int64([2, 4], (i) => 40 + 7 * i),
    attention_mask: int64([2, 4], () => 1),
    position_ids: int64([2, 4], (i) => i % 4),
    ...Object.fromEntries(names.map((name) => [`past_key_values.${name}`, empty])),
  }
}

async function logitsOf(folder: string): Promise<Float32Array> {
  const session = await openNodeSession(join(folder, 'onnx', 'model.onnx'))
  const { logits } = await session.run(inferenceFeeds())
  await session.release()
  return logits!.data as Float32Array
}

const difference = (a: ArrayLike<number | bigint>, b: Float32Array): number =>
  b.reduce((largest, value, i) => Math.max(largest, Math.abs(value - Number(a[i]))), 0)
