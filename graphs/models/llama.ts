/**
 * Llama and what grew out of it (Mistral, Qwen2 and 3, SmolLM3, Gemma 3): parameters, and the way from token ids to the final hidden
 * states. Touvron et al.: LLaMA: Open and Efficient Foundation Language Models (2023); names and layout follow transformers'
 * `…ForCausalLM`.
 * @module
 */
import type { Value } from '../ir/graph.ts'
import { isFloat } from '../ir/dtype.ts'
import type { FloatType } from '../ir/dtype.ts'
import { sizeOf } from '../ir/shape.ts'
import { activations } from '../layers/activation.ts'
import type { Attend } from '../layers/attention.ts'
import { causalMask } from '../layers/attention.ts'
import { linear } from '../layers/linear.ts'
import { lora } from '../layers/lora.ts'
import { modulation, plasticLinear } from '../layers/npt.ts'
import { rmsNorm } from '../layers/rms_norm.ts'
import type { Rotation } from '../layers/rotary.ts'
import { rotated, rotaryFrequencies, rotation } from '../layers/rotary.ts'
import { add, gather, lookedUp, mul, reduceSum, reshape, transpose, unsqueeze } from '../ops/index.ts'
import type { DeclaredModel } from './adaptation.ts'
import type { BlockParts, Family, Tokens } from './family.ts'
import type { LlamaConfig, LlamaType } from './llama_config.ts'
import { LLAMA_TYPES, llamaTypes, rotaryOf, traitsOf, windowOf } from './llama_config.ts'
import type { ParameterShapes } from './parameters.ts'

const EMBEDDING = 'model.embed_tokens.weight'
const LM_HEAD = 'lm_head.weight'

const block = (layer: number): string => `model.layers.${layer}`

/** Whether the linear modules of a block have biases. */
function biasesOf(config: LlamaConfig): Readonly<Record<'qkv' | 'output' | 'mlp', boolean>> {
  const { biases } = traitsOf(config)
  return {
    qkv: biases ?? config.attention_bias,
    output: biases === undefined && config.attention_bias,
    mlp: config.mlp_bias,
  }
}

/** Every parameter below the head: transformers' name to shape, in the order of the forward pass. */
export function llamaParameterShapes(config: LlamaConfig): Map<string, readonly number[]> {
  const { hidden_size: width, intermediate_size: inner, head_dim } = config
  const { headNorms, outputNorms } = traitsOf(config)
  const biases = biasesOf(config)
  const [queries, keys] = [config.num_attention_heads, config.num_key_value_heads].map((n) => n * head_dim)
  const shapes = new Map<string, readonly number[]>()
  const norm = (name: string, size = width) => shapes.set(`${name}.weight`, [size])
  const linear = (name: string, from: number, to: number, bias: boolean) => {
    shapes.set(`${name}.weight`, [to, from])
    if (bias) shapes.set(`${name}.bias`, [to])
  }

  shapes.set(EMBEDDING, [config.vocab_size, width])
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const name = block(layer)
    norm(`${name}.input_layernorm`)
    linear(`${name}.self_attn.q_proj`, width, queries!, biases.qkv)
    linear(`${name}.self_attn.k_proj`, width, keys!, biases.qkv)
    linear(`${name}.self_attn.v_proj`, width, keys!, biases.qkv)
    if (headNorms) for (const part of ['q', 'k']) norm(`${name}.self_attn.${part}_norm`, head_dim)
    linear(`${name}.self_attn.o_proj`, queries!, width, biases.output)
    norm(`${name}.post_attention_layernorm`)
    if (outputNorms) norm(`${name}.pre_feedforward_layernorm`)
    for (const part of ['gate', 'up']) linear(`${name}.mlp.${part}_proj`, width, inner, biases.mlp)
    linear(`${name}.mlp.down_proj`, inner, width, biases.mlp)
    if (outputNorms) norm(`${name}.post_feedforward_layernorm`)
  }
  norm('model.norm')
  return shapes
}

/** The turns of each layer's heads: one table for those that are turned alike. */
function rotations(
  config: LlamaConfig,
  { position_ids }: Tokens,
  dtype: FloatType,
): readonly (Rotation | null)[] {
  const known = new Map<string, Rotation>()
  const positions = lookedUp(position_ids!, config.max_position_embeddings - 1)
  return Array.from({ length: config.num_hidden_layers }, (_, layer) => {
    const rotary = rotaryOf(config, layer)
    if (!rotary) return null
    const frequencies = rotaryFrequencies(rotary, config.head_dim)
    const key = frequencies.join()
    const found = known.get(key) ?? rotation(positions, frequencies, config.max_position_embeddings, dtype)
    known.set(key, found)
    return found
  })
}

/**
 * A value of [batch, sequence, …last], so that a Reshape can take its shape: one that is put together from numbers would be put
 * together on the CPU, whatever the device.
 *
 * @param x [batch, sequence, width]
 */
function shapedAs(x: Value, last: readonly number[]): Value {
  const zeros = x.graph.constant(new Array<number>(sizeOf(last)).fill(0), x.dtype, [1, 1, ...last])
  return add(unsqueeze(reduceSum(x, [-1]), 3), zeros)
}

/** What its blocks consist of. Hidden states are [batch*sequence, hidden_size]. */
export function llamaParts(
  config: LlamaConfig,
  { parameters, adapters, noise }: Pick<DeclaredModel, 'parameters' | 'adapters' | 'noise'>,
  attend: Attend,
  tokens: Tokens,
): BlockParts {
  const { input_ids } = tokens
  const { graph } = input_ids
  const [batch, sequence] = input_ids.shape as [string, string]
  const { hidden_size: width, head_dim, num_attention_heads, num_key_value_heads } = config
  const { headNorms, normOffset, outputNorms, scaledEmbeddings } = traitsOf(config)
  const biases = biasesOf(config)
  const activation = activations[config.hidden_act]
  const embedding = parameters(EMBEDDING)
  // Made before the blocks, which may be computed once more by themselves.
  const turns = rotations(config, tokens, isFloat(embedding.dtype) ? embedding.dtype : 'float32')

  const named = (module: string, build: () => Value) => graph.scope(module.split('.').at(-1)!, build)
  const norm = (x: Value, module: string) =>
    named(module, () => rmsNorm(x, parameters(`${module}.weight`), config.rms_norm_eps, normOffset))
  const project = (x: Value, module: string, bias: boolean) =>
    named(module, () => {
      const base = linear(
        x,
        parameters(`${module}.weight`),
        bias ? parameters(`${module}.bias`) : undefined,
        'out_in',
      )
      const adapter = adapters(module)
      return adapter ? lora(x, base, adapter) : base
    })

  return {
    embed() {
      const gathered = gather(embedding, input_ids)
      for (const count of new Set([num_attention_heads, num_key_value_heads]))
        if (count * head_dim !== width) shapedAs(gathered, [count, head_dim])
      const embedded = scaledEmbeddings ? mul(gathered, Math.sqrt(width)) : gathered
      return reshape(noise.embedded(embedded), [`${batch}*${sequence}`, width])
    },
    attention: (h, layer) =>
      graph.scope('self_attn', () => {
        const name = `${block(layer)}.self_attn`
        const x = norm(h, `${block(layer)}.input_layernorm`)
        const turn = turns[layer]!
        const heads = (part: 'q' | 'k' | 'v', count: number) => {
          const projected = project(x, `${name}.${part}_proj`, biases.qkv)
          const apart = reshape(projected, [batch, sequence, count, head_dim])
          if (part === 'v') return transpose(apart, [0, 2, 1, 3])
          const normed = headNorms ? norm(apart, `${name}.${part}_norm`) : apart
          const placed = transpose(normed, [0, 2, 1, 3])
          return turn ? rotated(placed, turn) : placed
        }
        const [q, k, v] = [
          heads('q', num_attention_heads),
          heads('k', num_key_value_heads),
          heads('v', num_key_value_heads),
        ]
        const joined = reshape(transpose(attend(layer, q, k, v), [0, 2, 1, 3]), [
          `${batch}*${sequence}`,
          num_attention_heads * head_dim,
        ])
        const output = project(joined, `${name}.o_proj`, biases.output)
        return outputNorms ? norm(output, `${block(layer)}.post_attention_layernorm`) : output
      }),
    mlp: (h, attended, layer, plastic) =>
      graph.scope('mlp', () => {
        const name = block(layer)
        const residual = plastic?.attentionResidual === false ? h : add(h, attended)
        const u = norm(
          residual,
          `${name}.${outputNorms ? 'pre_feedforward_layernorm' : 'post_attention_layernorm'}`,
        )
        const gate = project(u, `${name}.mlp.gate_proj`, biases.mlp)
        const moved = plastic
          ? plasticLinear(u, gate, plastic.modulation ?? modulation(attended, plastic), plastic)
          : gate
        // Shazeer: GLU Variants Improve Transformer (2020).
        const inner = mul(activation(moved), project(u, `${name}.mlp.up_proj`, biases.mlp))
        const output = project(inner, `${name}.mlp.down_proj`, biases.mlp)
        return add(residual, outputNorms ? norm(output, `${name}.post_feedforward_layernorm`) : output)
      }),
    norm: (h) => norm(h, 'model.norm'),
  }
}

/** The hidden states after the last norm, [batch*sequence, hidden_size]. */
export function llama(config: LlamaConfig, model: DeclaredModel, attend: Attend, tokens: Tokens): Value {
  const { graph } = tokens.input_ids
  return graph.scope('model', () => {
    const { embed, attention, mlp, norm } = llamaParts(config, model, attend, tokens)
    let h = embed()
    for (let layer = 0; layer < config.num_hidden_layers; layer++)
      h = graph.scope(`layers.${layer}`, () =>
        graph.segment([h], () => mlp(h, attention(h, layer), layer, model.plastic(layer))),
      )
    return norm(h)
  })
}

const family = (type: LlamaType): Family<LlamaConfig> => ({
  noun: llamaTypes[type].noun,
  facts: (config) => ({
    width: config.hidden_size,
    context: config.max_position_embeddings,
    vocabulary: config.vocab_size,
    layers: config.num_hidden_layers,
    heads: config.num_attention_heads,
    kvHeads: config.num_key_value_heads,
    headSize: config.head_dim,
    padding: config.pad_token_id ?? null,
    attentionDropout: config.attention_dropout ?? 0,
  }),
  shapes: llamaParameterShapes,
  layout: 'out_in',
  unadapted: ['model.embed_tokens', 'lm_head'],
  // PEFT's own choice for these types.
  adapterTargets: ['q_proj', 'v_proj'],
  positions: true,
  parts: false,
  mask: causalMask,
  attentionScale: ({ query_pre_attn_scalar, head_dim }) => 1 / Math.sqrt(query_pre_attn_scalar ?? head_dim),
  window: windowOf,
  body: llama,
  pooler: null,
  pooledHead: () => ({ weight: 'score.weight' }),
  language: {
    shapes: ({ tie_word_embeddings, vocab_size, hidden_size }): ParameterShapes =>
      tie_word_embeddings ? new Map() : new Map([[LM_HEAD, [vocab_size, hidden_size]]]),
    head: ({ tie_word_embeddings }, parameters) => parameters(tie_word_embeddings ? EMBEDDING : LM_HEAD),
  },
  plastic: {
    // Of the two first layers of a gated MLP the one before the activation, as published for Llama: there the update can open what
    // the text before it has closed, where behind it would only scale what is open.
    module: (layer) => `${block(layer)}.mlp.gate_proj`,
    inner: ({ intermediate_size }) => intermediate_size,
    parts: llamaParts,
  },
  deviation: ({ initializer_range }) => initializer_range,
  freshNorm: (name) => (/norm\.weight$/.test(name) ? 1 - llamaTypes[type].normOffset : null),
})

/** One of each type. */
export const llamaFamilies = Object.fromEntries(LLAMA_TYPES.map((type) => [type, family(type)])) as Readonly<
  Record<LlamaType, Family<LlamaConfig>>
>
