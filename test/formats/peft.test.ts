import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'

import { adapterScale } from '../../graphs/models/lora_config.ts'
import { UserError } from '../../src/errors.ts'
import { mergeAdapter } from '../../src/exports/merge.ts'
import { openModelFolder } from '../../src/formats/model_folder.ts'
import type { PeftAdapter } from '../../src/formats/peft.ts'
import { readPeftAdapter, writePeftAdapter } from '../../src/formats/peft.ts'
import type { FloatTensor } from '../../src/formats/safetensors.ts'
import { readTensors, writeSafetensors } from '../../src/formats/safetensors.ts'
import { readStored } from '../../src/formats/read_stored.ts'
import { rejection } from '../rejection.ts'

const fixtures = join(import.meta.dirname, '../fixtures/peft')
const classifier = join(import.meta.dirname, '../fixtures/classification/adapter')

async function baseWeights(): Promise<Map<string, FloatTensor>> {
  return readStored((await openModelFolder(join(fixtures, 'base'))).tensors)
}

/** Largest difference relative to the largest value. */
function difference(a: Float32Array, b: Float32Array): number {
  const largest = b.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0) / largest
}

describe('PEFT adapters', () => {
  let place: string
  beforeEach(async () => {
    place = await mkdtemp(join(tmpdir(), 'ortune-peft-'))
  })
  afterEach(() => rm(place, { recursive: true }))

  it('whose scale is not finite are refused', async () => {
    const folder = join(place, 'adapter')
    cpSync(join(fixtures, 'rank_stabilised'), folder, { recursive: true })
    const path = join(folder, 'adapter_config.json')
    const known = JSON.parse(readFileSync(path, 'utf8')) as object
    writeFileSync(path, JSON.stringify({ ...known, use_rslora: true, lora_alpha: 1.7e308 }))
    const error = await rejection(readPeftAdapter(folder))
    expect(error).to.be.instanceOf(UserError)
    expect(error.message).to.match(/lora_alpha is 1.7e\+308, which makes a scale that is not finite/)
  })

  it('written by PEFT are read', async () => {
    const adapter = await readPeftAdapter(join(fixtures, 'listed'))
    const { r, lora_alpha, target_modules, baseModel, tensors } = adapter
    expect({ r, lora_alpha, target_modules, baseModel }).to.deep.equal({
      r: 3,
      lora_alpha: 6,
      target_modules: ['attn.c_proj', 'c_attn'],
      baseModel: 'base',
    })
    expect([...tensors].map(([name, { shape }]) => [name, shape])).to.deep.equal([
      ['transformer.h.0.attn.c_attn.lora_A.weight', [3, 8]],
      ['transformer.h.0.attn.c_attn.lora_B.weight', [24, 3]],
      ['transformer.h.0.attn.c_proj.lora_A.weight', [3, 8]],
      ['transformer.h.0.attn.c_proj.lora_B.weight', [8, 3]],
      ['transformer.h.1.attn.c_attn.lora_A.weight', [3, 8]],
      ['transformer.h.1.attn.c_attn.lora_B.weight', [24, 3]],
      ['transformer.h.1.attn.c_proj.lora_A.weight', [3, 8]],
      ['transformer.h.1.attn.c_proj.lora_B.weight', [8, 3]],
    ])
  })

  it('with a rank-stabilised scale and modules chosen by pattern are read', async () => {
    const adapter = await readPeftAdapter(join(fixtures, 'rank_stabilised'))
    expect(adapterScale(adapter)).to.be.closeTo(5 / Math.sqrt(3), 1e-12)
    expect(adapter.target_modules).to.deep.equal(['transformer.h.1.mlp.c_fc', 'transformer.h.1.mlp.c_proj'])
  })

  for (const name of ['listed', 'rank_stabilised'])
    it(`come back as they were written: ${name}`, async () => {
      const { baseModel, ...read } = await readPeftAdapter(join(fixtures, name))
      for (const base of [baseModel, null]) {
        const adapter: PeftAdapter = { ...read, baseModel: base }
        await writePeftAdapter(join(place, 'adapter'), adapter)
        expect(readdirSync(join(place, 'adapter')).sort()).to.deep.equal([
          'adapter_config.json',
          'adapter_model.safetensors',
        ])
        expect(await readPeftAdapter(join(place, 'adapter'))).to.deep.equal(adapter)
      }
    })

  it('of a classifier are read with its head', async () => {
    const { r, lora_alpha, target_modules, tensors, head } = await readPeftAdapter(classifier)
    expect({ r, lora_alpha, target_modules }).to.deep.equal({
      r: 4,
      lora_alpha: 8,
      target_modules: ['attn.c_proj', 'c_attn'],
    })
    expect(tensors.size).to.equal(8)
    expect([...tensors.keys()].filter((name) => !/\.lora_[AB]\.weight$/.test(name))).to.be.empty
    const stored = await readTensors(join(classifier, 'adapter_model.safetensors'))
    expect(head).to.deep.equal(new Map([['score.weight', stored.get('base_model.model.score.weight')]]))
    expect(head!.get('score.weight')!.shape).to.deep.equal([3, 24])
  })

  for (const [title, folder, listedByPeft] of [
    ['', join(fixtures, 'listed'), null],
    ['a classifier’s, ', classifier, ['classifier', 'score', 'score']],
  ] as const)
    it(`${title}are written with the keys and settings that PEFT itself writes`, async () => {
      await writePeftAdapter(join(place, 'adapter'), await readPeftAdapter(folder))
      const [ours, theirs] = [join(place, 'adapter'), folder].map((where) => ({
        config: JSON.parse(readFileSync(join(where, 'adapter_config.json'), 'utf8')) as Record<
          string,
          unknown
        >,
        weights: readFileSync(join(where, 'adapter_model.safetensors')),
      }))
      const { modules_to_save, target_modules, ...settings } = ours!.config
      expect(theirs!.config).to.include(settings)
      expect(theirs!.config['target_modules']).to.deep.equal(target_modules)
      // PEFT adds the names of every head it knows when it wraps a model; its own reader wants ours alone.
      expect(theirs!.config['modules_to_save']).to.deep.equal(listedByPeft)
      expect(modules_to_save).to.deep.equal(listedByPeft && ['score'])
      expect(ours!.weights.equals(theirs!.weights)).to.equal(true)
    })

  for (const name of ['listed', 'rank_stabilised'])
    it(`merge into the weights that PEFT merges them into: ${name}`, async () => {
      const base = await baseWeights()
      const before = new Map([...base].map(([key, { data }]) => [key, data.slice()]))
      const adapter = await readPeftAdapter(join(fixtures, name))
      const merged = mergeAdapter(base, adapter)
      const expected = await readTensors(join(fixtures, name, 'merged.safetensors'))
      expect(expected.size).to.equal(8)
      for (const [key, { data }] of expected)
        expect(difference(merged.get(key)!.data, data)).to.be.below(1e-7)
      expect([...merged.keys()]).to.deep.equal([...base.keys()])
      for (const [key, data] of before) expect(base.get(key)!.data).to.deep.equal(data)
      const changed = [...merged].filter(([key, tensor]) => tensor !== base.get(key)).length
      expect(changed).to.equal(adapter.tensors.size / 2)
    })

  it('for another model are not merged', async () => {
    const adapter = await readPeftAdapter(join(fixtures, 'listed'))
    const weights = await baseWeights()
    weights.set('transformer.h.1.attn.c_attn.weight', { shape: [8, 12], data: new Float32Array(96) })
    expect(() => mergeAdapter(weights, adapter)).to.throw(
      UserError,
      /transformer\.h\.1\.attn\.c_attn of \[8, 24\], the model one of \[8, 12\]/,
    )
    weights.delete('transformer.h.1.attn.c_attn.weight')
    expect(() => mergeAdapter(weights, adapter)).to.throw(UserError, /the model none/)
  })

  describe('are refused in one sentence', () => {
    const refusal = async (folder: string) => {
      const error = await rejection(readPeftAdapter(folder))
      expect(error).to.be.instanceOf(UserError)
      expect(error.message).not.to.include('\n')
      return error.message
    }
    /** The fixture with some settings changed. */
    const changed = (changes: object) => {
      cpSync(join(fixtures, 'listed'), place, { recursive: true })
      const path = join(place, 'adapter_config.json')
      const config = JSON.parse(readFileSync(path, 'utf8')) as object
      writeFileSync(path, JSON.stringify({ ...config, ...changes }))
      return place
    }

    it('where PEFT wrote a DoRA adapter', async () => {
      expect(await refusal(join(fixtures, 'dora'))).to.match(
        /adapter_config\.json: use_dora is true; only plain LoRA/,
      )
    })

    const features: [object, RegExp][] = [
      [{ peft_type: 'IA3' }, /peft_type is "IA3"; only LORA/],
      [{ peft_type: undefined }, /peft_type is nothing/],
      [{ task_type: 'TOKEN_CLS' }, /task_type is "TOKEN_CLS"; only CAUSAL_LM or SEQ_CLS/],
      [
        { task_type: 'SEQ_CLS' },
        /modules_to_save is null; only \["score"\] or \["classifier"\] is supported/,
      ],
      [{ task_type: 'SEQ_CLS', modules_to_save: ['score', 'wte'] }, /lacks the head \(score/],
      [
        { task_type: 'SEQ_CLS', modules_to_save: ['score'] },
        /lacks the head \(score\.weight, or classifier\.weight, classifier\.bias\), which .* promises/,
      ],
      [{ bias: 'lora_only' }, /bias is "lora_only"/],
      [{ modules_to_save: ['lm_head'] }, /lacks the weight of lm_head, which modules_to_save in .* promises/],
      [{ rank_pattern: { c_attn: 4 } }, /rank_pattern is \{…\}/],
      [{ layers_to_transform: [0] }, /layers_to_transform is \[0\]/],
      [{ init_lora_weights: 'pissa' }, /init_lora_weights is "pissa"; only an initialisation that keeps/],
      [{ r: 0 }, /: r: /],
      [{ r: '8' }, /: r: /],
      [{ lora_alpha: undefined }, /lacks the key lora_alpha/],
      [{ target_modules: 7 }, /: target_modules: /],
      [
        { target_modules: ['c_attn'] },
        /adapts transformer\.h\.0\.attn\.c_proj, which target_modules .* does not name/,
      ],
      [{ r: 4 }, /h\.0\.attn\.c_attn\.lora_A\.weight is \[3, 8\] where the adapter's rank is 4/],
    ]
    for (const [changes, message] of features)
      it(`where ${JSON.stringify(changes, (_, value: unknown) => value ?? 'missing')}`, async () => {
        expect(await refusal(changed(changes))).to.match(message)
      })

    it('where it is not there, or not JSON', async () => {
      expect(await refusal(place)).to.match(/adapter_config\.json does not exist/)
      writeFileSync(join(place, 'adapter_config.json'), '{')
      expect(await refusal(place)).to.match(/adapter_config\.json is not valid JSON/)
      writeFileSync(join(place, 'adapter_config.json'), '[]')
      expect(await refusal(place)).to.match(/adapter_config\.json: /)
    })

    it('where its tensors are not an adapter’s', async () => {
      const folder = changed({})
      const path = join(folder, 'adapter_model.safetensors')
      const a = { shape: [3, 8], data: new Float32Array(24) }
      const name = 'base_model.model.transformer.h.0.attn.c_attn.lora_A.weight'
      await writeSafetensors(path, new Map())
      expect(await refusal(folder)).to.match(/holds no tensors/)
      await writeSafetensors(path, new Map([[name, a]]))
      expect(await refusal(folder)).to.match(
        /lacks the tensor transformer\.h\.0\.attn\.c_attn\.lora_B\.weight/,
      )
      await writeSafetensors(path, new Map([['base_model.model.score.weight', a]]))
      expect(await refusal(folder)).to.match(/score\.weight is not LoRA/)
    })
  })
})
