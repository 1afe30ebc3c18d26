/**
 * Llama and what grew out of it in files: `config.json`, names of tensors, adapters. As transformers and PEFT write them;
 * `LlamaForCausalLM` names tensors `model.layers.0.input_layernorm.weight`, `LlamaModel` the same without `model.`. What a
 * `config.json` leaves out is what transformers takes for the type.
 * @module
 */
import { z } from 'zod'

import type { LlamaConfig, LlamaType } from '../../../graphs/models/llama_config.ts'
import { LLAMA_TYPES, traitsOf } from '../../../graphs/models/llama_config.ts'
import { positiveFloat32 } from '../../float32_option.ts'
import { checkJson } from '../../schema.ts'
import { activation, dropout, off, size, unsupported } from './bounds.ts'
import type { FamilyFormat } from './family.ts'
import { tokenIds, writing } from './writing.ts'

/** What transformers takes where a `config.json` says nothing. */
interface Defaults {
  /** null: as many as of queries. */
  readonly num_key_value_heads: number | null
  /** null: `hidden_size` / `num_attention_heads`. */
  readonly head_dim: number | null
  readonly max_position_embeddings: number
  readonly tie_word_embeddings: boolean
  readonly sliding_window?: number
  /** Whether `hidden_activation` counts in place of `hidden_act`, and `query_pre_attn_scalar` in place of `head_dim`. */
  readonly gemma?: true
  /** transformers' name of a classifier, where the type's does not follow from its architecture. */
  readonly classifier?: string
}

const DEFAULTS: Readonly<Record<LlamaType, Defaults>> = {
  llama: {
    ...{ num_key_value_heads: null, head_dim: null },
    ...{ max_position_embeddings: 2048, tie_word_embeddings: false },
  },
  mistral: {
    ...{ num_key_value_heads: 8, head_dim: null, sliding_window: 4096 },
    ...{ max_position_embeddings: 131_072, tie_word_embeddings: false },
  },
  qwen2: {
    ...{ num_key_value_heads: 32, head_dim: null, sliding_window: 4096 },
    ...{ max_position_embeddings: 32_768, tie_word_embeddings: false },
  },
  qwen3: {
    ...{ num_key_value_heads: 32, head_dim: 128, sliding_window: 4096 },
    ...{ max_position_embeddings: 32_768, tie_word_embeddings: false },
  },
  smollm3: {
    ...{ num_key_value_heads: 4, head_dim: null },
    ...{ max_position_embeddings: 32_768, tie_word_embeddings: true },
  },
  gemma3_text: {
    ...{ num_key_value_heads: 4, head_dim: 256, sliding_window: 4096, gemma: true },
    classifier: 'Gemma3TextForSequenceClassification',
    ...{ max_position_embeddings: 131_072, tie_word_embeddings: true },
  },
}

const positive = () => positiveFloat32().optional()
/** Keys that no model of these types is published with, and that change the computation. */
const unset = z.null(unsupported('null')).optional()

const ROPES = ['default', 'linear', 'llama3'] as const
const ropeType = z.enum(ROPES, unsupported(`one of ${ROPES.join(', ')}`)).optional()
const rotaryShape = {
  rope_type: ropeType,
  type: ropeType,
  rope_theta: positive(),
  factor: positive(),
  low_freq_factor: positive(),
  high_freq_factor: positive(),
  original_max_position_embeddings: size(2 ** 24).optional(),
  partial_rotary_factor: z.literal(1, unsupported('1')).nullish(),
}
/** What a kind of scaling cannot be without. */
const NEEDS = {
  default: [],
  linear: ['factor'],
  llama3: ['factor', 'low_freq_factor', 'high_freq_factor'],
} as const
const isWhole = (given: { readonly [key: string]: unknown }): boolean =>
  NEEDS[(given['rope_type'] ?? given['type'] ?? 'default') as keyof typeof NEEDS].every(
    (key) => given[key] !== undefined,
  )
const LACKS = 'lacks a key of its rope_type (factor; of llama3 low_freq_factor and high_freq_factor, too)'
const rotary = z.looseObject(rotaryShape).refine(isWhole, LACKS)
const rotaryParameters = z
  .looseObject({ ...rotaryShape, full_attention: rotary.nullish(), sliding_attention: rotary.nullish() })
  .refine(isWhole, LACKS)

const schemaOf = (type: LlamaType) => {
  const defaults = DEFAULTS[type]
  const layerKind = z.enum(['full_attention', 'sliding_attention'])
  return z
    .looseObject({
      model_type: z.literal(type),
      vocab_size: size(2 ** 22),
      hidden_size: size(2 ** 16),
      num_hidden_layers: size(256),
      num_attention_heads: size(1024),
      num_key_value_heads: size(1024).nullable().default(defaults.num_key_value_heads),
      head_dim: size(2 ** 12)
        .nullable()
        .default(defaults.head_dim),
      intermediate_size: size(2 ** 20),
      hidden_act: activation('silu'),
      hidden_activation: activation('gelu_pytorch_tanh'),
      max_position_embeddings: size(2 ** 24 - 1).default(defaults.max_position_embeddings),
      rms_norm_eps: positiveFloat32().max(1).default(1e-6),
      tie_word_embeddings: z.boolean().default(defaults.tie_word_embeddings),
      attention_bias: z.boolean().default(false),
      attention_dropout: dropout,
      mlp_bias: z.boolean().default(false),
      rope_theta: positiveFloat32().nullish(),
      rope_scaling: rotary.nullish(),
      rope_local_base_freq: positiveFloat32().nullish(),
      rope_parameters: rotaryParameters.nullish(),
      partial_rotary_factor: z.literal(1, unsupported('1')).nullish(),
      no_rope_layers: z.array(z.int().min(0).max(1)).nullish(),
      no_rope_layer_interval: size(256).optional(),
      layer_types: z.array(layerKind).nullish(),
      sliding_window: size(2 ** 24)
        .nullish()
        .default(defaults.sliding_window ?? null),
      use_sliding_window: z.boolean().optional(),
      max_window_layers: z.int().min(0).optional(),
      sliding_window_pattern: size(256).optional(),
      query_pre_attn_scalar: positiveFloat32().default(256),
      attn_logit_softcapping: unset,
      final_logit_softcapping: unset,
      use_bidirectional_attention: off.nullable(),
      ...tokenIds,
      initializer_range: positiveFloat32().max(10).default(0.02),
    })
    .superRefine((config, context) => {
      const wrong = (key: string, message: string) => {
        context.addIssue({ code: 'custom', path: [key], message })
      }
      const { hidden_size, num_attention_heads: heads, num_hidden_layers: layers } = config
      const kvHeads = config.num_key_value_heads ?? heads
      if (heads % kvHeads !== 0)
        wrong(
          'num_attention_heads',
          `${heads} does not divide into num_key_value_heads = ${kvHeads} equal groups`,
        )
      if (config.head_dim === null && hidden_size % heads !== 0)
        wrong('hidden_size', `${hidden_size} does not divide into num_attention_heads = ${heads} equal parts`)
      if ((config.head_dim ?? hidden_size / heads) % 2 !== 0)
        wrong('head_dim', 'is odd, so that it has no halves that positions could turn')
      for (const key of ['layer_types', 'no_rope_layers'] as const)
        if (config[key] && config[key].length < layers)
          wrong(key, `names ${config[key].length} layers of num_hidden_layers = ${layers}`)
    })
    .transform(({ hidden_activation, query_pre_attn_scalar, ...config }) => ({
      ...config,
      num_key_value_heads: config.num_key_value_heads ?? config.num_attention_heads,
      head_dim: config.head_dim ?? config.hidden_size / config.num_attention_heads,
      ...(defaults.gemma ? { hidden_activation, hidden_act: hidden_activation, query_pre_attn_scalar } : {}),
    }))
}

const format = (type: LlamaType): FamilyFormat<LlamaConfig> => {
  const schema = schemaOf(type)
  const { architecture } = traitsOf({ model_type: type })
  return {
    parse: (json, where) => checkJson(schema, json, where),
    architecture: `${architecture}ForCausalLM`,
    ...writing(type, DEFAULTS[type].classifier ?? `${architecture}ForSequenceClassification`),
    dropouts: ['attention_dropout'],
    naming: {
      canonical: (name) => (/^(embed_tokens|layers|norm)\./.test(name) ? `model.${name}` : name),
      blocks: 'model.layers.',
      // Frequencies of positions, which older files carry along.
      unused: /\.rotary_emb\.inv_freq$/,
    },
    tied: ({ tie_word_embeddings }) =>
      tie_word_embeddings ? { tensor: 'lm_head.weight', to: 'model.embed_tokens.weight' } : null,
    adapterKeys: {
      prefix: 'model.',
      key: /^base_model\.model\.(?:model\.)?(layers\.\d+\.(?:self_attn|mlp)\.\w+_proj)\.(lora_[AB]\.weight)$/,
    },
    hasPublishedVocabulary: () => false,
  }
}

/** One of each type. */
export const llamaFormats = Object.fromEntries(LLAMA_TYPES.map((type) => [type, format(type)])) as Readonly<
  Record<LlamaType, FamilyFormat<LlamaConfig>>
>
