import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'

import { sizeOf } from '../../graphs/ir/shape.ts'
import { gpt2ParameterShapes } from '../../graphs/models/gpt2.ts'
import { UserError } from '../../src/errors.ts'
import { parseGpt2Config } from '../../src/formats/families/gpt2.ts'
import { parseModelConfig } from '../../src/formats/parse_model_config.ts'
import { readModelConfig } from '../../src/formats/model_config.ts'
import { writeModelFolder } from '../../src/formats/model_folder.ts'
import { findTensors } from '../../src/formats/model_tensors.ts'
import type { FloatTensor } from '../../src/formats/safetensors.ts'
import { readTensors, writeSafetensors } from '../../src/formats/safetensors.ts'
import type { StoredTensor, StoredTensors } from '../../src/formats/weight_files.ts'
import { readStored } from '../../src/formats/read_stored.ts'
import { withFile } from '../data/helpers.ts'
import { openGpt2Folder, readGpt2Config } from '../gpt2_folder.ts'
import { rejection } from '../rejection.ts'

/** A model that transformers wrote. */
const fixture = join(import.meta.dirname, '../fixtures/peft/base')
const tiny = { model_type: 'gpt2', n_layer: 2, n_head: 2, n_embd: 8, n_positions: 8, vocab_size: 11 }
const gpt2Small = { n_layer: 12, n_head: 12, n_embd: 768, n_positions: 1024, vocab_size: 50257 }

describe('GPT-2 configurations', () => {
  it('of transformers are read, and what they do not say has transformers’ defaults', async () => {
    const config = await readGpt2Config(fixture)
    const known = {
      activation_function: 'gelu_new',
      layer_norm_epsilon: 1e-5,
      tie_word_embeddings: true,
      scale_attn_weights: true,
      initializer_range: 0.02,
    }
    expect(config).to.include({ ...tiny, ...known, n_inner: 12, bos_token_id: 10, eos_token_id: 10 })
    expect(config).to.include({ resid_pdrop: 0.1, use_cache: true })
    expect(parseGpt2Config(tiny, 'c')).to.deep.equal({
      ...tiny,
      ...known,
      n_inner: null,
      bos_token_id: null,
      eos_token_id: null,
    })
  })

  it('may be named by folder or file, and call n_positions n_ctx', async () => {
    expect(await readGpt2Config(join(fixture, 'config.json'))).to.deep.equal(await readGpt2Config(fixture))
    const { n_positions, ...rest } = tiny
    expect(parseGpt2Config({ ...rest, n_ctx: n_positions }, 'c').n_positions).to.equal(8)
    expect(parseGpt2Config({ ...tiny, n_ctx: 99 }, 'c').n_positions).to.equal(8)
  })

  it('need not say their type, as older ones do not', () =>
    withFile('config.json', JSON.stringify({ ...tiny, model_type: undefined }), async (path) => {
      expect(await readModelConfig(path)).to.deep.equal(parseGpt2Config(tiny, 'c'))
    }))

  const wrong: [object, RegExp][] = [
    [{ model_type: 'rwkv' }, /describes a model of type "rwkv"; only gpt2/],
    [{ model_type: 7 }, /describes a model of type 7; only gpt2/],
    [{ n_layer: undefined }, /lacks the key n_layer/],
    [{ n_layer: 0 }, /n_layer: /],
    [{ n_layer: 257 }, /n_layer: /],
    [{ n_layer: 1e9 }, /n_layer: /],
    [{ n_layer: 2.5 }, /n_layer: /],
    [{ vocab_size: '11' }, /vocab_size: /],
    [{ n_head: 3 }, /n_embd: 8 does not divide into n_head = 3 equal parts/],
    [{ activation_function: 'mish' }, /activation_function: /],
    [{ layer_norm_epsilon: 0 }, /layer_norm_epsilon: /],
    [{ n_inner: -1 }, /n_inner: /],
    [
      { add_cross_attention: true },
      /add_cross_attention: true is not supported by ortune, only false is; name another model$/,
    ],
    [
      { scale_attn_by_inverse_layer_idx: true },
      /scale_attn_by_inverse_layer_idx: true is not supported by ortune, only false is; name another model$/,
    ],
  ]
  for (const [changes, message] of wrong)
    it(`are refused with ${JSON.stringify(changes, (_, value: unknown) => value ?? 'missing')}`, () => {
      expect(() => parseModelConfig({ ...tiny, ...changes }, 'c.json')).to.throw(UserError, message)
    })

  it('are refused where they are no object or not there', async () => {
    for (const json of [null, 7, [], 'gpt2'])
      expect(() => parseGpt2Config(json, 'c.json')).to.throw(UserError)
    expect((await rejection(readGpt2Config(join(fixture, 'absent')))).message).to.match(
      /absent does not exist/,
    )
  })

  it('imply the parameters of GPT-2 small: 124,439,808, and 38,597,376 more untied', () => {
    const count = (tied: boolean) => {
      const config = parseGpt2Config({ ...gpt2Small, tie_word_embeddings: tied }, 'c')
      return [...gpt2ParameterShapes(config).values()].reduce((sum, shape) => sum + sizeOf(shape), 0)
    }
    expect(count(true)).to.equal(124_439_808)
    expect(count(false)).to.equal(124_439_808 + 50257 * 768)
  })
})

describe('GPT-2 tensors', () => {
  const config = parseGpt2Config({ ...tiny, n_inner: 12 }, 'c')
  const file = 'm.safetensors'
  const entries = new Map<string, StoredTensor>(
    [...gpt2ParameterShapes(config)].map(([name, shape], i) => [
      name,
      { file, dtype: 'F32', shape, offset: i, length: 0 },
    ]),
  )
  const find = (tensors: StoredTensors) =>
    findTensors({ tensors, where: file }, config, gpt2ParameterShapes(config))
  const other: StoredTensor = { file, dtype: 'F32', shape: [1], offset: 0, length: 4 }

  it('are those that transformers names, in the forward order', async () => {
    const { tensors } = await openGpt2Folder(fixture)
    const all = await readTensors(join(fixture, 'model.safetensors'))
    expect([...tensors.keys()].sort()).to.deep.equal([...all.keys()].sort())
    expect([...tensors.keys()]).to.deep.equal([...entries.keys()])
  })

  it('are found without the prefix, beside mask buffers and other heads', () => {
    const bare = new Map([...entries].map(([name, entry]) => [name.replace('transformer.', ''), entry]))
    for (const name of ['h.0.attn.bias', 'h.1.attn.masked_bias', 'score.weight', 'lm_head.weight'])
      bare.set(name, other)
    expect([...find(bare)]).to.deep.equal([...entries])
  })

  it('are refused where one is missing, misshapen or unknown to the configuration', () => {
    const without = new Map(entries)
    without.delete('transformer.h.1.ln_2.bias')
    expect(() => find(without)).to.throw(
      UserError,
      /m\.safetensors has no tensor transformer\.h\.1\.ln_2\.bias/,
    )
    const misshapen = new Map(entries).set('transformer.wpe.weight', { ...other, shape: [8, 9] })
    expect(() => find(misshapen)).to.throw(
      UserError,
      /transformer\.wpe\.weight has shape \[8, 9\] .* \[8, 8\]/,
    )
    const deeper = new Map(entries).set('h.2.ln_1.weight', other)
    expect(() => find(deeper)).to.throw(UserError, /has a tensor transformer\.h\.2\.ln_1\.weight, of which/)
    const untied = { ...config, tie_word_embeddings: false }
    expect(() =>
      findTensors({ tensors: entries, where: file }, untied, gpt2ParameterShapes(untied)),
    ).to.throw(UserError, /lm_head\.weight/)
  })
})

describe('model folders', () => {
  let place: string
  beforeEach(async () => {
    place = await mkdtemp(join(tmpdir(), 'ortune-folder-'))
  })
  afterEach(() => rm(place, { recursive: true }))

  const read = async (folder: string): Promise<Map<string, FloatTensor>> => {
    return readStored((await openGpt2Folder(folder)).tensors)
  }
  const json = (name: string): unknown => JSON.parse(readFileSync(join(place, 'copy', name), 'utf8'))

  it('come back as they were written, with keys of the configuration that nobody here knows', async () => {
    const folder = join(place, 'copy')
    const { config } = await openGpt2Folder(fixture)
    const tensors = await read(fixture)
    await writeModelFolder(folder, { config, tensors, tokenizerFiles: { 'tokenizer.json': '{}' } })
    expect(readdirSync(folder).sort()).to.deep.equal([
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'tokenizer.json',
    ])
    expect(await read(folder)).to.deep.equal(tensors)
    expect(await readGpt2Config(folder)).to.deep.equal({ ...config, torch_dtype: 'float32' })
    expect(json('config.json')).to.include({ resid_pdrop: 0.1 })
    expect(json('generation_config.json')).to.deep.equal({ bos_token_id: 10, eos_token_id: 10 })

    await writeModelFolder(folder, { config, tensors, generationConfig: { do_sample: true } })
    expect(json('generation_config.json')).to.deep.equal({ do_sample: true })
    expect(readdirSync(folder)).not.to.include('tokenizer.json')
  })

  it('say float32 whatever the model was before, as that is what is written', async () => {
    const config = parseGpt2Config({ ...tiny, dtype: 'float16', torch_dtype: 'bfloat16' }, 'c')
    await writeModelFolder(join(place, 'copy'), { config, tensors: new Map() })
    expect(json('config.json')).to.include({ dtype: 'float32', torch_dtype: 'float32', model_type: 'gpt2' })
  })

  it('may have a head beside the embedding that it is tied to, if it is the same', async () => {
    const folder = join(place, 'tied')
    const config = await readGpt2Config(fixture)
    const tensors = await read(fixture)
    const embedding = tensors.get('transformer.wte.weight')!
    await writeModelFolder(folder, { config, tensors: new Map(tensors).set('lm_head.weight', embedding) })
    expect(await read(folder)).to.deep.equal(tensors)

    const head = { shape: embedding.shape, data: embedding.data.map((w, i) => (i === 87 ? w + 1 : w)) }
    const other = new Map(tensors).set('lm_head.weight', head)
    await writeModelFolder(folder, { config, tensors: other })
    const error = await rejection(openGpt2Folder(folder))
    expect(error).to.be.instanceOf(UserError)
    expect(error.message).to.match(
      /has a lm_head\.weight other than transformer\.wte\.weight, .* set tie_word_embeddings to false/,
    )
    await writeModelFolder(folder, { config: { ...config, tie_word_embeddings: false }, tensors: other })
    expect((await read(folder)).get('lm_head.weight')).to.deep.equal(head)
  })

  it('without weights that can be read are refused with what to do', async () => {
    const config = readFileSync(join(fixture, 'config.json'))
    writeFileSync(join(place, 'config.json'), config)
    expect((await rejection(openGpt2Folder(place))).message).to.match(/has no model\.safetensors/)
    await writeSafetensors(join(place, 'model.safetensors'), new Map())
    expect((await rejection(openGpt2Folder(place))).message).to.match(
      /has no tensor transformer\.wte\.weight/,
    )
    renameSync(join(place, 'model.safetensors'), join(place, 'pytorch_model.bin'))
    const error = await rejection(openGpt2Folder(place))
    expect(error).to.be.instanceOf(UserError)
    expect(error.message).to.match(/has its weights as pytorch_model\.bin; open it in transformers/)
  })
})
