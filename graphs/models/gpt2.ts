/**
 * GPT-2 from its token ids to the final hidden states. Radford et al.: Language Models are Unsupervised
 * Multitask Learners (2019); names and layout follow transformers' `GPT2LMHeadModel`.
 * @module
 */
import type { FloatType } from '../ir/dtype.ts'
import type { Value } from '../ir/graph.ts'
import { activations } from '../layers/activation.ts'
import { attention, causalMask } from '../layers/attention.ts'
import { linear } from '../layers/linear.ts'
import type { LoraAdapter } from '../layers/lora.ts'
import { lora } from '../layers/lora.ts'
import { add } from '../ops/add.ts'
import { gather } from '../ops/gather.ts'
import { layerNormalization } from '../ops/layer_normalization.ts'
import { reshape } from '../ops/reshape.ts'
import { split } from '../ops/split.ts'
import { transpose } from '../ops/transpose.ts'
import type { Gpt2Config } from './gpt2_config.ts'

/** Looks up a parameter by transformers' name, such as `transformer.h.0.attn.c_attn.weight`. */
export type Parameters = (name: string) => Value

/** The adapter of a linear module such as `transformer.h.0.attn.c_attn`, where it has one. */
export type Adapters = (module: string) => LoraAdapter | undefined

/** Attention of one layer over [batch, n_head, sequence, head_size] tensors: with a mask, with a cache, … */
export type Attend = (layer: number, q: Value, k: Value, v: Value) => Value

export interface Gpt2Inputs {
  /** int64 [batch, sequence] */
  readonly input_ids: Value
  /** int64 [batch, sequence] */
  readonly position_ids: Value
}

/**
 * The hidden states after the last layer norm.
 *
 * @returns [batch*sequence, n_embd]
 */
export function gpt2(
  config: Gpt2Config,
  parameters: Parameters,
  adapters: Adapters,
  attend: Attend,
  { input_ids, position_ids }: Gpt2Inputs,
): Value {
  const { n_embd, n_head } = config
  const { graph } = input_ids
  const [batch, sequence] = input_ids.shape as [string, string]
  const heads = (x: Value) => transpose(reshape(x, [batch, sequence, n_head, n_embd / n_head]), [0, 2, 1, 3])
  const activation = activations[config.activation_function]

  const norm = (x: Value, module: string) =>
    graph.scope(module.split('.').at(-1)!, () =>
      layerNormalization(
        x,
        parameters(`${module}.weight`),
        parameters(`${module}.bias`),
        config.layer_norm_epsilon,
      ),
    )
  const project = (x: Value, module: string) =>
    graph.scope(module.split('.').at(-1)!, () => {
      const base = linear(x, parameters(`${module}.weight`), parameters(`${module}.bias`))
      const adapter = adapters(module)
      return adapter ? lora(x, base, adapter) : base
    })

  const block = (h: Value, layer: number): Value => {
    const name = `transformer.h.${layer}`
    // h + c_proj(attention(c_attn(ln_1(h))))
    const attended = graph.scope('attn', () => {
      const qkv = project(norm(h, `${name}.ln_1`), `${name}.attn.c_attn`)
      const [q, k, v] = split(qkv, 1, [n_embd, n_embd, n_embd]).map(heads)
      const joined = transpose(attend(layer, q!, k!, v!), [0, 2, 1, 3])
      return add(h, project(reshape(joined, h.shape), `${name}.attn.c_proj`))
    })
    // h + c_proj(activation(c_fc(ln_2(h))))
    return graph.scope('mlp', () => {
      const inner = activation(project(norm(attended, `${name}.ln_2`), `${name}.mlp.c_fc`))
      return add(attended, project(inner, `${name}.mlp.c_proj`))
    })
  }

  return graph.scope('transformer', () => {
    const embedded = add(
      gather(parameters('transformer.wte.weight'), input_ids),
      gather(parameters('transformer.wpe.weight'), position_ids),
    )
    let h = reshape(embedded, [`${batch}*${sequence}`, n_embd])
    for (let layer = 0; layer < config.n_layer; layer++) h = graph.scope(`h.${layer}`, () => block(h, layer))
    return norm(h, 'transformer.ln_f')
  })
}

/** The LM head: the token embedding itself where it is tied. [vocab_size, n_embd] */
export const lmHead = (config: Gpt2Config, parameters: Parameters): Value =>
  parameters(config.tie_word_embeddings ? 'transformer.wte.weight' : 'lm_head.weight')

/** The factor of the attention scores. */
export const attentionScale = (config: Gpt2Config): number =>
  config.scale_attn_weights ? 1 / Math.sqrt(config.n_embd / config.n_head) : 1

/** Attention over whole sequences: what a token may see is said by {@link causalMask}. */
export function causalAttention(config: Gpt2Config, attentionMask: Value, dtype: FloatType): Attend {
  const mask = causalMask(attentionMask, dtype)
  const scale = attentionScale(config)
  return (_layer, q, k, v) => attention(q, k, v, mask, scale)
}
