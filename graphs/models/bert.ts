/**
 * BERT from its token ids to the pooled output. Devlin et al.: BERT: Pre-training of Deep Bidirectional Transformers for
 * Language Understanding (2018); names and layout follow transformers' `BertModel`, without its dropout.
 * @module
 */
import type { FloatType } from '../ir/dtype.ts'
import type { Value } from '../ir/graph.ts'
import { activations } from '../layers/activation.ts'
import { attention, paddingMask } from '../layers/attention.ts'
import { linear } from '../layers/linear.ts'
import { lora } from '../layers/lora.ts'
import {
  add,
  dimension,
  gather,
  layerNormalization,
  mul,
  range,
  reshape,
  tanh,
  transpose,
} from '../ops/index.ts'
import type { BertConfig } from './bert_config.ts'
import type { Adapters } from './lora_config.ts'
import type { Parameters } from './parameters.ts'

export interface BertInputs {
  /** int64 [batch, sequence] */
  readonly input_ids: Value
  /** int64 [batch, sequence], 1 at tokens and 0 at padding */
  readonly attention_mask: Value
  /** int64 [batch, sequence]: which part of its sequence a token belongs to */
  readonly token_type_ids: Value
}

/**
 * The hidden states after the last block. Every token sees every other; the layer norms come after the residual sums.
 *
 * @returns [batch*sequence, hidden_size]
 */
export function bert(
  config: BertConfig,
  parameters: Parameters,
  adapters: Adapters,
  { input_ids, attention_mask, token_type_ids }: BertInputs,
  dtype: FloatType,
): Value {
  const { hidden_size: width, num_attention_heads: count } = config
  const { graph } = input_ids
  const [batch, sequence] = input_ids.shape as [string, string]
  const scale = 1 / Math.sqrt(width / count)
  const mask = paddingMask(attention_mask, dtype)
  const activation = activations[config.hidden_act]

  const norm = (x: Value, module: string) =>
    layerNormalization(x, parameters(`${module}.weight`), parameters(`${module}.bias`), config.layer_norm_eps)
  const project = (x: Value, module: string) => dense(x, module, parameters, adapters)
  const heads = (x: Value) => transpose(reshape(x, [batch, sequence, count, width / count]), [0, 2, 1, 3])

  const embed = () => {
    const table = (name: string) => parameters(`bert.embeddings.${name}.weight`)
    const tokens = add(
      gather(table('word_embeddings'), input_ids),
      gather(table('token_type_embeddings'), token_type_ids),
    )
    const positions = gather(table('position_embeddings'), range(input_ids, sequence))
    return norm(reshape(add(tokens, positions), [`${batch}*${sequence}`, width]), 'bert.embeddings.LayerNorm')
  }
  const block = (h: Value, name: string) => {
    const attended = graph.scope('attention', () => {
      const [q, k, v] = ['query', 'key', 'value'].map((part) =>
        heads(project(h, `${name}.attention.self.${part}`)),
      )
      const joined = transpose(attention(q!, k!, v!, mask, scale), [0, 2, 1, 3])
      const output = project(reshape(joined, h.shape), `${name}.attention.output.dense`)
      return norm(add(output, h), `${name}.attention.output.LayerNorm`)
    })
    return graph.scope('mlp', () => {
      const inner = activation(project(attended, `${name}.intermediate.dense`))
      return norm(add(project(inner, `${name}.output.dense`), attended), `${name}.output.LayerNorm`)
    })
  }

  return graph.scope('bert', () => {
    let h = graph.scope('embeddings', embed)
    for (let layer = 0; layer < config.num_hidden_layers; layer++) {
      const name = `bert.encoder.layer.${layer}`
      h = graph.scope(`layer.${layer}`, () => block(h, name))
    }
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
  input_ids: Value,
  parameters: Parameters,
  adapters: Adapters,
): Value =>
  hidden.graph.scope('pooler', () => {
    const [batch, sequence] = input_ids.shape as [string, string]
    const first = mul(range(input_ids, batch), reshape(dimension(input_ids, sequence), []))
    return tanh(dense(gather(hidden, first), 'bert.pooler.dense', parameters, adapters))
  })

/** x·Wᵀ + b of a module, with its adapter. */
function dense(x: Value, module: string, parameters: Parameters, adapters: Adapters): Value {
  return x.graph.scope(module.split('.').at(-1)!, () => {
    const base = linear(x, parameters(`${module}.weight`), parameters(`${module}.bias`), 'out_in')
    const adapter = adapters(module)
    return adapter ? lora(x, base, adapter) : base
  })
}
