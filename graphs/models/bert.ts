/**
 * BERT: its configuration under the key names of Hugging Face's `config.json`, the parameters that implies, and the way from
 * token ids to the pooled output. Devlin et al.: BERT: Pre-training of Deep Bidirectional Transformers for Language
 * Understanding (2018); names and layout follow transformers' `BertForSequenceClassification`.
 * @module
 */
import type { Value } from '../ir/graph.ts'
import type { ActivationName } from '../layers/activation.ts'
import { activations } from '../layers/activation.ts'
import type { Attend } from '../layers/attention.ts'
import { paddingMask } from '../layers/attention.ts'
import { linear } from '../layers/linear.ts'
import { lora } from '../layers/lora.ts'
import { firstPositions } from '../layers/pooling.ts'
import { add, cast, gather, layerNormalization, positions, reshape, tanh, transpose } from '../ops/index.ts'
import type { Adapters } from './lora_config.ts'
import type { Family } from './family.ts'
import { noNoise } from './model_noise.ts'
import type { Parameters } from './parameters.ts'

/** What a BERT `config.json` says about the computation; as read from a file it carries the file's other keys too. */
export interface BertConfig {
  readonly model_type: 'bert'
  readonly vocab_size: number
  /** Width of the residual stream; a multiple of `num_attention_heads`. */
  readonly hidden_size: number
  readonly num_hidden_layers: number
  readonly num_attention_heads: number
  /** Width of the MLP. */
  readonly intermediate_size: number
  readonly hidden_act: ActivationName
  /** Longest sequence, in tokens. */
  readonly max_position_embeddings: number
  /** How many parts of a sequence have an embedding of their own. */
  readonly type_vocab_size: number
  readonly layer_norm_eps: number
  /** Standard deviation of freshly initialised weights. */
  readonly initializer_range: number
  readonly pad_token_id: number | null
  /** Dropout while training, where a task asks for it: of embeddings and what blocks add, and of attention; absent: 0.1. */
  readonly hidden_dropout_prob?: number | null | undefined
  readonly attention_probs_dropout_prob?: number | null | undefined
}

/** Every parameter up to the pooled output: transformers' name to shape, in the order of the forward pass. */
export function bertParameterShapes(config: BertConfig): Map<string, readonly number[]> {
  const { hidden_size: width, intermediate_size: inner } = config
  const shapes = new Map<string, readonly number[]>()
  const layerNorm = (name: string) => shapes.set(`${name}.weight`, [width]).set(`${name}.bias`, [width])
  const linear = (name: string, from: number, to: number) =>
    shapes.set(`${name}.weight`, [to, from]).set(`${name}.bias`, [to])

  shapes.set('bert.embeddings.word_embeddings.weight', [config.vocab_size, width])
  shapes.set('bert.embeddings.position_embeddings.weight', [config.max_position_embeddings, width])
  shapes.set('bert.embeddings.token_type_embeddings.weight', [config.type_vocab_size, width])
  layerNorm('bert.embeddings.LayerNorm')
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const block = `bert.encoder.layer.${layer}`
    for (const part of ['query', 'key', 'value']) linear(`${block}.attention.self.${part}`, width, width)
    linear(`${block}.attention.output.dense`, width, width)
    layerNorm(`${block}.attention.output.LayerNorm`)
    linear(`${block}.intermediate.dense`, width, inner)
    linear(`${block}.output.dense`, inner, width)
    layerNorm(`${block}.output.LayerNorm`)
  }
  linear('bert.pooler.dense', width, width)
  return shapes
}

export interface BertInputs {
  /** int64 [batch, sequence] */
  readonly input_ids: Value
  /** [batch, sequence], whose positions are counted */
  readonly attention_mask: Value
  /** int64 [batch, sequence]: which part of its sequence a token belongs to */
  readonly token_type_ids: Value
}

/**
 * The hidden states after the last block. The layer norms come after the residual sums.
 *
 * @returns [batch*sequence, hidden_size]
 */
export function bert(
  config: BertConfig,
  parameters: Parameters,
  adapters: Adapters,
  attend: Attend,
  { input_ids, attention_mask, token_type_ids }: BertInputs,
  noise = noNoise,
): Value {
  const { hidden_size: width, num_attention_heads: count } = config
  const drop = (x: Value) => noise.drop(x, config.hidden_dropout_prob ?? USUAL_DROPOUT)
  const { graph } = input_ids
  const [batch, sequence] = input_ids.shape as [string, string]
  const activation = activations[config.hidden_act]

  const norm = (x: Value, module: string) =>
    layerNormalization(x, parameters(`${module}.weight`), parameters(`${module}.bias`), config.layer_norm_eps)
  const project = (x: Value, module: string) => dense(x, module, parameters, adapters)
  const heads = (x: Value) => transpose(reshape(x, [batch, sequence, count, width / count]), [0, 2, 1, 3])

  const embed = () => {
    const table = (name: string) => parameters(`bert.embeddings.${name}.weight`)
    const types = table('token_type_embeddings')
    const tokens = add(
      gather(table('word_embeddings'), input_ids),
      // Where there is one type, it is that of all parts.
      config.type_vocab_size > 1 ? gather(types, token_type_ids) : types,
    )
    const placed = gather(table('position_embeddings'), cast(positions(attention_mask, 1), 'int32'))
    const embedded = reshape(add(tokens, placed), [`${batch}*${sequence}`, width])
    return drop(norm(embedded, 'bert.embeddings.LayerNorm'))
  }
  const block = (h: Value, layer: number) => {
    const name = `bert.encoder.layer.${layer}`
    const attended = graph.scope('attention', () => {
      const [q, k, v] = ['query', 'key', 'value'].map((part) =>
        heads(project(h, `${name}.attention.self.${part}`)),
      )
      const joined = transpose(attend(layer, q!, k!, v!), [0, 2, 1, 3])
      const output = project(reshape(joined, h.shape), `${name}.attention.output.dense`)
      return norm(add(drop(output), h), `${name}.attention.output.LayerNorm`)
    })
    return graph.scope('mlp', () => {
      const inner = activation(project(attended, `${name}.intermediate.dense`))
      return norm(add(drop(project(inner, `${name}.output.dense`)), attended), `${name}.output.LayerNorm`)
    })
  }

  return graph.scope('bert', () => {
    let h = graph.scope('embeddings', embed)
    for (let layer = 0; layer < config.num_hidden_layers; layer++)
      h = graph.scope(`layer.${layer}`, () => graph.segment([h], () => block(h, layer)))
    return h
  })
}

/**
 * y = tanh(h[CLS]·Wᵀ + b), [CLS] being the first token.
 *
 * @param hidden [batch*sequence, hidden_size]
 * @returns [batch, hidden_size]
 */
export const bertPooled = (
  hidden: Value,
  attentionMask: Value,
  parameters: Parameters,
  adapters: Adapters,
): Value =>
  hidden.graph.scope('pooler', () => {
    const first = gather(hidden, cast(firstPositions(attentionMask), 'int32'))
    return tanh(dense(first, 'bert.pooler.dense', parameters, adapters))
  })

/** x·Wᵀ + b of a module, with its adapter. */
function dense(x: Value, module: string, parameters: Parameters, adapters: Adapters): Value {
  return x.graph.scope(module.split('.').at(-1)!, () => {
    const base = linear(x, parameters(`${module}.weight`), parameters(`${module}.bias`), 'out_in')
    const adapter = adapters(module)
    return adapter ? lora(x, base, adapter) : base
  })
}

/** That of transformers, where a configuration says nothing. */
const USUAL_DROPOUT = 0.1

/** The factor of the attention scores. */
export const bertAttentionScale = ({ hidden_size, num_attention_heads }: BertConfig): number =>
  1 / Math.sqrt(hidden_size / num_attention_heads)

export const bertFamily: Family<BertConfig> = {
  noun: 'BERT',
  facts: (config) => ({
    width: config.hidden_size,
    context: config.max_position_embeddings,
    vocabulary: config.vocab_size,
    layers: config.num_hidden_layers,
    heads: config.num_attention_heads,
    kvHeads: config.num_attention_heads,
    headSize: config.hidden_size / config.num_attention_heads,
    padding: null,
    attentionDropout: config.attention_probs_dropout_prob ?? USUAL_DROPOUT,
  }),
  shapes: bertParameterShapes,
  layout: 'out_in',
  unadapted: [
    'bert.embeddings.word_embeddings',
    'bert.embeddings.position_embeddings',
    'bert.embeddings.token_type_embeddings',
  ],
  adapterTargets: ['query', 'value'],
  positions: false,
  parts: true,
  mask: paddingMask,
  attentionScale: bertAttentionScale,
  window: () => null,
  body: (config, { parameters, adapters, noise }, attend, { input_ids, attention_mask, token_type_ids }) =>
    bert(
      config,
      parameters,
      adapters,
      attend,
      { input_ids, attention_mask, token_type_ids: token_type_ids! },
      noise,
    ),
  pooler: (hidden, { parameters, adapters }, { attention_mask }) =>
    bertPooled(hidden, attention_mask, parameters, adapters),
  pooledHead: () => ({ weight: 'classifier.weight', bias: 'classifier.bias' }),
  language: null,
  plastic: null,
  deviation: (config) => config.initializer_range,
  freshNorm: (name) => (name.endsWith('.LayerNorm.weight') ? 1 : null),
}
