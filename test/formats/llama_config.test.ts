import { readFile } from 'node:fs/promises'

import { expect } from 'chai'

import { sizeOf } from '../../graphs/ir/shape.ts'
import { rotaryFrequencies } from '../../graphs/layers/rotary.ts'
import type { LlamaConfig } from '../../graphs/models/llama_config.ts'
import { rotaryOf, windowOf } from '../../graphs/models/llama_config.ts'
import { ownShapes } from '../../graphs/models/own_shapes.ts'
import { UserError } from '../../src/errors.ts'
import { parseModelConfig } from '../../src/formats/parse_model_config.ts'
import { llamaFixture } from '../graphs/llama_fixtures.ts'

const tiny = {
  model_type: 'llama',
  vocab_size: 11,
  hidden_size: 8,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  intermediate_size: 12,
}
const parse = (changes: object): LlamaConfig =>
  parseModelConfig({ ...tiny, ...changes }, 'c.json') as LlamaConfig
const layers = <T>(config: LlamaConfig, of: (config: LlamaConfig, layer: number) => T): T[] =>
  [0, 1, 2, 3].map((layer) => of(config, layer))

describe("configurations of Llama's family", () => {
  it('give the shapes of published models as many parameters as transformers counts', async () => {
    const published = JSON.parse(await readFile(llamaFixture('published.json'), 'utf8')) as Record<
      string,
      { readonly config: object; readonly parameters: number }
    >
    expect(published['SmolLM2-135M']!.parameters).to.equal(134_515_008)
    const large = {
      ...{ hidden_size: 2048, num_hidden_layers: 36, num_attention_heads: 16 },
      ...{ vocab_size: 128_256, intermediate_size: 11_008 },
    }
    const mistral = {
      ...{ hidden_size: 4096, num_hidden_layers: 32, num_attention_heads: 32 },
      ...{ vocab_size: 32_000, intermediate_size: 14_336 },
    }
    /** What transformers takes where a configuration says nothing, and ortune wants to be told. */
    const told: Record<string, object> = { 'SmolLM3-3B': large, 'Mistral-7B': mistral }
    for (const [name, { config, parameters }] of Object.entries(published)) {
      const shapes = ownShapes(parseModelConfig({ ...config, ...told[name] }, name))
      const count = [...shapes.values()].reduce((sum, shape) => sum + sizeOf(shape), 0)
      expect(count, name).to.equal(parameters)
    }
  })

  it('say of a layer the same in the words of transformers 4 and of 5', () => {
    const llama3 = {
      ...{ rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4 },
      original_max_position_embeddings: 64,
    }
    const pairs: [object, object][] = [
      [{ rope_theta: 70 }, { rope_parameters: { rope_type: 'default', rope_theta: 70 } }],
      [{ rope_theta: 70, rope_scaling: llama3 }, { rope_parameters: { ...llama3, rope_theta: 70 } }],
      [
        { rope_theta: 70, rope_scaling: { type: 'linear', factor: 2 } },
        { rope_parameters: { rope_type: 'linear', factor: 2, rope_theta: 70 } },
      ],
      [
        {
          ...{ model_type: 'gemma3_text', rope_theta: 70, rope_local_base_freq: 30 },
          ...{ sliding_window_pattern: 2, rope_scaling: { rope_type: 'linear', factor: 8 } },
        },
        {
          model_type: 'gemma3_text',
          layer_types: ['sliding_attention', 'full_attention', 'sliding_attention', 'full_attention'],
          rope_parameters: {
            sliding_attention: { rope_type: 'default', rope_theta: 30 },
            full_attention: { rope_type: 'linear', factor: 8, rope_theta: 70 },
          },
        },
      ],
    ]
    for (const [before, after] of pairs)
      expect(layers(parse(before), rotaryOf)).to.deep.equal(layers(parse(after), rotaryOf))
    const thetas = layers(parse(pairs[3]![0]), rotaryOf).map((rotary) => rotary?.rope_theta)
    expect(thetas).to.deep.equal([30, 70, 30, 70])
  })

  it('take what transformers takes where they say nothing', () => {
    expect(rotaryOf(parse({}), 0)).to.deep.equal({ rope_type: 'default', rope_theta: 10_000 })
    expect(rotaryOf(parse({ model_type: 'smollm3' }), 0)?.rope_theta).to.equal(2_000_000)
    expect(parse({ model_type: 'qwen3', num_key_value_heads: 2 }).head_dim).to.equal(128)
    expect(parse({ head_dim: 6 }).head_dim).to.equal(6)
    expect(parse({}).num_key_value_heads).to.equal(4)
    expect(parse({ model_type: 'gemma3_text' }).hidden_act).to.equal('gelu_pytorch_tanh')
    expect(parse({ model_type: 'gemma3_text' }).tie_word_embeddings).to.equal(true)
    expect(parse({}).tie_word_embeddings).to.equal(false)
  })

  it('say which layers have a window, and which know no positions', () => {
    const small = { num_key_value_heads: 4, max_position_embeddings: 64, sliding_window: 5 }
    const windows = (changes: object) => layers(parse({ ...small, ...changes }), windowOf)
    expect(windows({})).to.deep.equal([null, null, null, null])
    expect(windows({ model_type: 'mistral' })).to.deep.equal([5, 5, 5, 5])
    expect(windows({ model_type: 'mistral', sliding_window: null })).to.deep.equal([null, null, null, null])
    expect(windows({ model_type: 'mistral', sliding_window: 64 })).to.deep.equal([null, null, null, null])
    const qwen = { model_type: 'qwen2', max_window_layers: 2 }
    expect(windows(qwen)).to.deep.equal([null, null, null, null])
    expect(windows({ ...qwen, use_sliding_window: true })).to.deep.equal([null, null, 5, 5])
    expect(windows({ model_type: 'gemma3_text', sliding_window_pattern: 3 })).to.deep.equal([5, 5, null, 5])
    const turned = (changes: object) =>
      layers(parse({ model_type: 'smollm3', ...changes }), rotaryOf).map((rotary) => rotary !== null)
    expect(turned({})).to.deep.equal([true, true, true, false])
    expect(turned({ no_rope_layers: [0, 1, 0, 1] })).to.deep.equal([false, true, false, true])
  })

  it('lower the frequencies of long waves alone', () => {
    const plain = { rope_theta: 100, rope_type: 'default' } as const
    const scaled = rotaryFrequencies(
      {
        ...{ rope_theta: 100, rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4 },
        original_max_position_embeddings: 64,
      },
      8,
    )
    const ratios = rotaryFrequencies(plain, 8).map((frequency, i) => frequency / scaled[i]!)
    expect(ratios[0]).to.equal(1)
    expect(ratios[1]).to.be.within(1, 8)
    expect(ratios[3]).to.equal(8)
  })

  const wrong: [object, RegExp][] = [
    [{ hidden_size: undefined }, /lacks the key hidden_size/],
    [
      { num_key_value_heads: 3 },
      /num_attention_heads: 4 does not divide into num_key_value_heads = 3 equal groups/,
    ],
    [{ hidden_size: 9 }, /hidden_size: 9 does not divide into num_attention_heads = 4 equal parts/],
    [{ head_dim: 3 }, /head_dim: is odd/],
    [{ rope_scaling: { rope_type: 'yarn', factor: 4 } }, /rope_type: "yarn" is not supported by ortune/],
    [
      { rope_scaling: { type: 'dynamic', factor: 4 } },
      /"dynamic" is not supported by ortune, only one of default, linear, llama3 is/,
    ],
    [{ rope_scaling: { rope_type: 'linear' } }, /rope_scaling: lacks a key of its rope_type/],
    [{ partial_rotary_factor: 0.5 }, /partial_rotary_factor: 0.5 is not supported by ortune, only 1 is/],
    [
      { model_type: 'gemma3_text', final_logit_softcapping: 30 },
      /final_logit_softcapping: 30 is not supported/,
    ],
    [
      { model_type: 'gemma3_text', use_bidirectional_attention: true },
      /use_bidirectional_attention: true is not supported/,
    ],
    [
      { model_type: 'qwen3', layer_types: ['full_attention'] },
      /layer_types: names 1 layers of num_hidden_layers = 4/,
    ],
    [{ model_type: 'qwen3', layer_types: ['linear_attention'] }, /layer_types/],
    [{ hidden_act: 'mish' }, /hidden_act: /],
    [
      { model_type: 'gemma2' },
      /describes a model of type "gemma2"; only gpt2, bert, llama, .* and gemma3_text are supported/,
    ],
  ]
  for (const [changes, message] of wrong)
    it(`are refused with ${JSON.stringify(changes)}`, () => {
      expect(() => parse({ num_key_value_heads: 4, ...changes })).to.throw(UserError, message)
    })
})
