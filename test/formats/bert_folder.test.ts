import { readdirSync, readFileSync } from 'node:fs'
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { familyName } from '../../graphs/models/family.ts'
import { sizeOf } from '../../graphs/ir/shape.ts'
import { bertParameterShapes } from '../../graphs/models/bert.ts'
import { backboneShapes, headShapes } from '../../graphs/models/encoder.ts'
import { UserError } from '../../src/errors.ts'
import { parseBertConfig } from '../../src/formats/families/bert.ts'
import { parseGpt2Config } from '../../src/formats/families/gpt2.ts'
import { readHead } from '../../src/formats/classifier_config.ts'
import { mergeAdapter } from '../../src/exports/merge.ts'
import { readModelConfig } from '../../src/formats/model_config.ts'
import { checkWrites } from '../../src/formats/parse_model_config.ts'
import { openModelFolder, writeModelFolder } from '../../src/formats/model_folder.ts'
import { readPeftAdapter, writePeftAdapter } from '../../src/formats/peft.ts'
import type { FloatTensor } from '../../src/formats/safetensors.ts'
import { readTensors, writeSafetensors } from '../../src/formats/safetensors.ts'
import { readStored } from '../../src/formats/read_stored.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { bertFixture } from '../graphs/bert_fixtures.ts'
import { FIXTURE_CLASSES } from '../graphs/classification_fixtures.ts'
import { fixture } from '../graphs/gpt2_fixtures.ts'
import { tinyConfig } from '../tiny_model.ts'

const theirs = bertFixture('model')
const readConfig = async (folder: string) =>
  JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')) as Record<string, unknown>

/** Of bert-base-uncased, as it was published. */
const base = {
  architectures: ['BertForMaskedLM'],
  attention_probs_dropout_prob: 0.1,
  hidden_act: 'gelu',
  hidden_size: 768,
  intermediate_size: 3072,
  layer_norm_eps: 1e-12,
  max_position_embeddings: 512,
  model_type: 'bert',
  num_attention_heads: 12,
  num_hidden_layers: 12,
  pad_token_id: 0,
  position_embedding_type: 'absolute',
  type_vocab_size: 2,
  vocab_size: 30522,
}

describe('BERT configurations', () => {
  it('are told by their model_type', async () => {
    const config = await readModelConfig(theirs)
    expect(familyName(config)).to.equal('bert')
    expect(config).to.include({ hidden_size: 16, num_hidden_layers: 2, hidden_act: 'gelu', vocab_size: 137 })
    expect(await readModelConfig(join(theirs, 'config.json'))).to.deep.equal(config)
    expect(familyName(await readModelConfig(fixture('model')))).to.equal('gpt2')
  })

  it('imply the parameters of the published model', () => {
    const sizes = [...bertParameterShapes(parseBertConfig(base, 'c')).values()].map(sizeOf)
    // As many as transformers' BertModel has.
    expect(sizes.reduce((sum, size) => sum + size, 0)).to.equal(109_482_240)
  })

  const broken: [object, RegExp][] = [
    [{ hidden_size: 770 }, /hidden_size: 770 does not divide into num_attention_heads = 12 equal parts/],
    [{ hidden_size: undefined }, /lacks the key hidden_size/],
    [{ num_hidden_layers: 0 }, /num_hidden_layers: /],
    [{ vocab_size: 2 ** 30 }, /vocab_size: /],
    [{ hidden_act: 'mish' }, /hidden_act: /],
    [{ layer_norm_eps: 0 }, /layer_norm_eps: /],
    [
      { position_embedding_type: 'relative_key' },
      /position_embedding_type: "relative_key" is not supported by ortune, only absolute is;/,
    ],
    [{ is_decoder: true }, /is_decoder: true is not supported/],
    [{ add_cross_attention: true }, /add_cross_attention: true is not supported/],
  ]
  for (const [changes, message] of broken)
    it(`are refused with ${JSON.stringify(changes, (_, value: unknown) => value ?? 'missing')}`, () => {
      expect(() => parseBertConfig({ ...base, ...changes }, 'c.json')).to.throw(UserError, message)
    })

  it('are no GPT-2’s, which is said', () => {
    const tagger = { ...parseGpt2Config(tinyConfig, 'c.json'), architectures: ['GPT2ForTokenClassification'] }
    expect(() => checkWrites(tagger, 'c.json')).to.throw(
      /^c\.json describes a GPT2ForTokenClassification, whose head is not supported/,
    )
    expect(() => checkWrites(parseBertConfig(base, 'c.json'), 'c.json')).to.throw(
      UserError,
      /c\.json describes a BERT, which reads/,
    )
  })
})

describe('BERT folders', () => {
  it('open whichever names their tensors have', async () => {
    const found = await openModelFolder(theirs)
    const expected = await readStored(found.tensors)
    expect([...expected.keys()]).to.deep.equal([...backboneShapes(found.config).keys()])

    const stored = await readTensors(join(theirs, 'model.safetensors'))
    const renamed = new Map<string, FloatTensor>()
    for (const [name, tensor] of stored) {
      if (name.startsWith('classifier.')) continue
      const old = name
        .replace('LayerNorm.weight', 'LayerNorm.gamma')
        .replace('LayerNorm.bias', 'LayerNorm.beta')
      renamed.set(old.replace(/^bert\./, ''), tensor)
    }
    const other = { shape: [2, 2], data: new Float32Array(4) }
    renamed.set('cls.predictions.bias', other).set('embeddings.position_ids', other)
    await withFolder(async (folder) => {
      await copyFile(join(theirs, 'config.json'), join(folder, 'config.json'))
      const path = join(folder, 'model.safetensors')
      await writeSafetensors(path, renamed)
      const opened = await openModelFolder(folder)
      expect(await readStored(opened.tensors)).to.deep.equal(expected)

      await writeSafetensors(path, new Map([...renamed].filter(([name]) => !name.startsWith('pooler.'))))
      expect(await userError(() => openModelFolder(folder))).to.match(
        /has no tensor bert\.pooler\.dense\.weight/,
      )
      await writeSafetensors(path, new Map([...renamed, ['encoder.layer.2.output.dense.bias', other]]))
      expect(await userError(() => openModelFolder(folder))).to.match(
        /has a tensor bert\.encoder\.layer\.2\./,
      )
    })
  })

  it('of classifiers are read and written as transformers writes them', async () => {
    const head = { kind: 'classes', classes: FIXTURE_CLASSES, pooling: 'last', dropout: 0 } as const
    expect(await readHead(theirs)).to.deep.equal(head)
    await withFolder(async (folder) => {
      const { config } = await openModelFolder(theirs)
      const tensors = await readTensors(join(theirs, 'model.safetensors'))
      const out = join(folder, 'classifier')
      await writeModelFolder(out, { config, tensors, head })
      expect(readdirSync(out).sort()).to.deep.equal(['config.json', 'model.safetensors'])
      const { torch_dtype, problem_type, ...ours } = await readConfig(out)
      expect({ torch_dtype, problem_type }).to.deep.equal({
        torch_dtype: 'float32',
        problem_type: 'single_label_classification',
      })
      expect(await readConfig(theirs)).to.include.keys(Object.keys(ours))
      for (const key of ['architectures', 'model_type', 'id2label', 'label2id', 'pad_token_id'])
        expect(ours[key], key).to.deep.equal((await readConfig(theirs))[key])
      const shapes = new Map([...backboneShapes(config), ...headShapes(config, FIXTURE_CLASSES.length)])
      const opened = await openModelFolder(out, () => shapes)
      expect(await readStored(opened.tensors)).to.deep.equal(
        new Map([...shapes.keys()].map((name) => [name, tensors.get(name)])),
      )

      const scorer = join(folder, 'reward')
      const one = { kind: 'score', pooling: 'last', dropout: 0 } as const
      await writeModelFolder(scorer, { config, tensors, head: one })
      expect(await readConfig(scorer)).to.deep.include({
        id2label: { 0: 'reward' },
        problem_type: 'regression',
      })
      expect(await readHead(scorer)).to.deep.equal(one)
    })
  })
})

describe('PEFT adapters of BERT', () => {
  it('are read with their head, and written with the keys and settings that PEFT itself writes', async () => {
    const folder = bertFixture('adapter')
    const adapter = await readPeftAdapter(folder)
    expect([...adapter.head!.keys()]).to.deep.equal(['classifier.weight', 'classifier.bias'])
    // query, value and three dense layers in each of two blocks, and the pooler, two tensors each
    expect(adapter.tensors.size).to.equal(22)
    expect(adapter.tensors.get('bert.encoder.layer.1.intermediate.dense.lora_B.weight')!.shape).to.deep.equal(
      [32, 4],
    )
    await withFolder(async (place) => {
      const ours = join(place, 'adapter')
      await writePeftAdapter(ours, adapter)
      const read = async (where: string) => ({
        config: JSON.parse(await readFile(join(where, 'adapter_config.json'), 'utf8')) as Record<
          string,
          unknown
        >,
        tensors: await readTensors(join(where, 'adapter_model.safetensors')),
      })
      const [written, peft] = [await read(ours), await read(folder)]
      const { modules_to_save, target_modules, ...settings } = written.config
      expect(peft.config).to.include(settings)
      expect(target_modules).to.deep.equal(peft.config['target_modules'])
      expect(modules_to_save).to.deep.equal(['classifier'])
      expect(peft.config['modules_to_save']).to.include('classifier')
      expect(written.tensors).to.deep.equal(peft.tensors)
      expect(await readPeftAdapter(ours)).to.deep.equal(adapter)
    })
  })

  it('fold into weights that are stored [out, in]', async () => {
    const { tensors, r, lora_alpha } = await readPeftAdapter(bertFixture('adapter'))
    const weights = await readTensors(join(theirs, 'model.safetensors'))
    const merged = mergeAdapter(weights, { tensors, r, lora_alpha })
    const module = 'bert.encoder.layer.0.intermediate.dense'
    const [a, b] = ['A', 'B'].map((half) => tensors.get(`${module}.lora_${half}.weight`)!)
    const before = weights.get(`${module}.weight`)!
    const after = merged.get(`${module}.weight`)!
    const [outputs, inputs] = before.shape as [number, number]
    for (let o = 0; o < outputs; o++)
      for (let i = 0; i < inputs; i++) {
        let sum = before.data[o * inputs + i]!
        for (let k = 0; k < r; k++) sum += (lora_alpha / r) * b!.data[o * r + k]! * a!.data[k * inputs + i]!
        expect(after.data[o * inputs + i]).to.equal(Math.fround(sum))
      }
    expect(merged.get('bert.embeddings.word_embeddings.weight')).to.equal(
      weights.get('bert.embeddings.word_embeddings.weight'),
    )
    const fewer = new Map(weights)
    fewer.set(`${module}.weight`, { shape: [inputs, outputs], data: before.data })
    expect(() => mergeAdapter(fewer, { tensors, r, lora_alpha })).to.throw(
      UserError,
      /\[32, 16\], the model one of \[16, 32\]/,
    )
  })

  it('of another model are refused', async () => {
    await withFolder(async (folder) => {
      const config = readFileSync(bertFixture('adapter', 'adapter_config.json'))
      await writeFile(join(folder, 'adapter_config.json'), config)
      const tensors = await readTensors(bertFixture('adapter', 'adapter_model.safetensors'))
      const path = join(folder, 'adapter_model.safetensors')
      await writeSafetensors(
        path,
        new Map([...tensors].map(([name, tensor]) => [name.replace('.bert.', '.roberta.'), tensor])),
      )
      expect(await userError(() => readPeftAdapter(folder))).to.match(
        /is not LoRA on a linear layer of a block/,
      )
      tensors.delete('base_model.model.classifier.bias')
      await writeSafetensors(path, tensors)
      expect(await userError(() => readPeftAdapter(folder))).to.match(/lacks the head/)
    })
  })
})
