import { rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { readTensors, writeSafetensors } from '../../src/formats/safetensors.ts'
import type { TextOptions } from '../../src/models/open_generator.ts'
import { openGenerator } from '../../src/models/open_generator.ts'
import { gpt2TokenizerFiles } from '../../src/formats/gpt2_tokenizer.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { writeTinyAdapter, writeTinyModel } from '../tiny_model.ts'

const prompts = ['Word: dog ;', 'The 🙂 is', '世界は', 'a', 'It is']

async function continueAll(folder: string, options: TextOptions, adapter?: string) {
  const generator = await openGenerator(folder, { adapter })
  try {
    return await generator.generate(prompts, { max_new_tokens: 20, ...options })
  } finally {
    await generator.release()
  }
}

const withModel = (use: (folder: string) => Promise<void>): Promise<void> =>
  withFolder(async (folder) => {
    const model = join(folder, 'model')
    await writeTinyModel(model)
    await use(model)
  })

/** Writes a file's weights as BF16. */
async function writeBfloat16(from: string, to: string): Promise<void> {
  const header: Record<string, unknown> = {}
  const chunks: Uint8Array[] = []
  let end = 0
  for (const [name, { shape, data }] of await readTensors(from)) {
    const half = Uint16Array.from(data, bfloat16)
    header[name] = { dtype: 'BF16', shape, data_offsets: [end, (end += half.byteLength)] }
    chunks.push(new Uint8Array(half.buffer))
  }
  const json = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(json.length))
  await writeFile(to, Buffer.concat([length, json, ...chunks]))
}

/** The upper half of a float32's bits. */
const bfloat16 = (value: number): number => new Uint32Array(Float32Array.of(value).buffer)[0]! >>> 16

/** The same weights as float32, the lower half of their bits zero. */
async function writeWidened(folder: string): Promise<void> {
  const path = join(folder, 'model.safetensors')
  const tensors = [...(await readTensors(path))].map(([name, { shape, data }]) => {
    const bits = Uint32Array.from(data, (value) => bfloat16(value) << 16)
    return [name, { shape, data: new Float32Array(bits.buffer) }] as const
  })
  await writeSafetensors(path, new Map(tensors))
}

describe('generation/open_generator', () => {
  it('gives the same texts however the prompts are batched, greedily and drawn', async () => {
    await withModel(async (model) => {
      const drawn = { do_sample: true, temperature: 0.9, top_k: 40, top_p: 0.9, seed: 5 }
      for (const options of [{}, drawn]) {
        const together = await continueAll(model, { ...options, batch: 5 })
        expect(await continueAll(model, { ...options, batch: 2 })).to.deep.equal(together)
        expect(together.map(({ prompt }) => prompt)).to.deep.equal(prompts)
        expect(await continueAll(model, { ...drawn, seed: 6 })).to.not.deep.equal(together)
      }
    })
  })

  it('hands out the text in pieces as it comes', async () => {
    await withModel(async (model) => {
      const pieces = prompts.map((): string[] => [])
      const texts = await continueAll(model, { batch: 2, onText: (row, piece) => pieces[row]!.push(piece) })
      expect(pieces.map((row) => row.join(''))).to.deep.equal(texts.map(({ text }) => text))
      expect(Math.max(...pieces.map((row) => row.length))).to.be.greaterThan(10)
    })
  })

  it('reads weights through a symbolic link, and converts those of half precision', async () => {
    await withModel(async (model) => {
      const path = join(model, 'model.safetensors')
      await writeWidened(model)
      const expected = await continueAll(model, {})
      const elsewhere = join(model, '..', 'blob')
      await rename(path, elsewhere)
      await symlink(elsewhere, path)
      expect(await continueAll(model, {})).to.deep.equal(expected)
      await rename(path, join(model, 'link'))
      await writeBfloat16(elsewhere, path)
      expect(await continueAll(model, {})).to.deep.equal(expected)
    })
  })

  it('puts an adapter on the model', async () => {
    await withModel(async (model) => {
      const adapter = join(model, '..', 'adapter')
      await writeTinyAdapter(adapter)
      const adapted = await continueAll(model, {}, adapter)
      expect(adapted).to.not.deep.equal(await continueAll(model, {}))
    })
  })

  it('generates as much as fits where no number is given', async () => {
    await withModel(async (model) => {
      const generator = await openGenerator(model)
      const [short] = await generator.generate(['Word: dog ; '.repeat(4)])
      expect(short!.prompt_tokens).to.be.within(10, 50)
      expect(short!.finished || short!.prompt_tokens + short!.tokens.length === 64).to.equal(true)
      const tooLong = await userError(() => generator.generate(['ok', 'long '.repeat(80)]))
      expect(tooLong).to.match(/^prompt 2 has \d+ tokens and 1 new ones do not fit the model's context of 64/)
      await generator.release()
    })
  })

  it("refuses a tokenizer with more tokens than the model's", async () => {
    await withModel(async (model) => {
      const files = await gpt2TokenizerFiles(300)
      for (const [name, text] of Object.entries(files)) await writeFile(join(model, name), text)
      expect(await userError(() => openGenerator(model))).to.match(/has 557 tokens but the model 512/)
    })
  })
})
