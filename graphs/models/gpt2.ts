/**
 * GPT-2 from its token ids to the final hidden states. Radford et al.: Language Models are Unsupervised
 * Multitask Learners (2019); names and layout follow transformers' `GPT2LMHeadModel`.
 * @module
 */
import type { FloatType } from '../ir/dtype.ts'
import type { Value } from '../ir/graph.ts'
import { activations } from '../layers/activation.ts'
import type { Attend } from '../layers/attention.ts'
import { attention, causalMask } from '../layers/attention.ts'
import { linear } from '../layers/linear.ts'
import { lora } from '../layers/lora.ts'
import { modulation, plasticLinear } from '../layers/npt.ts'
import { add, gather, layerNormalization, reshape, split, transpose } from '../ops/index.ts'
import type { Gpt2Config } from './gpt2_config.ts'
import type { Adapters } from './lora_config.ts'
import type { PlasticBlock, PlasticBlocks } from './npt_config.ts'
import { noPlasticBlocks } from './npt_config.ts'
import type { Parameters } from './parameters.ts'

export interface Gpt2Inputs {
  /** int64 [batch, sequence] */
  readonly input_ids: Value
  /** int64 [batch, sequence] */
  readonly position_ids: Value
}

/** The parts that a GPT-2 is put together from. Hidden states are [batch*sequence, n_embd]. */
export interface Gpt2Parts {
  /** Token and position embeddings. */
  readonly embed: () => Value
  /** a = attention(ln_1(h)), through c_proj, not yet added to h. */
  readonly attention: (h: Value, layer: number) => Value
  /** h' = h + a, then h' + mlp(ln_2(h')). With a plastic part the first layer of the mlp is plastic; see {@link PlasticBlock}. */
  readonly mlp: (h: Value, attended: Value, layer: number, plastic?: PlasticBlock) => Value
  /** The last layer norm. */
  readonly norm: (h: Value) => Value
}

/** The parts of a model, for those who put them together in another way than {@link gpt2}. */
export function gpt2Parts(
  config: Gpt2Config,
  parameters: Parameters,
  adapters: Adapters,
  attend: Attend,
  { input_ids, position_ids }: Gpt2Inputs,
): Gpt2Parts {
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

  return {
    embed() {
      const embedded = add(
        gather(parameters('transformer.wte.weight'), input_ids),
        gather(parameters('transformer.wpe.weight'), position_ids),
      )
      return reshape(embedded, [`${batch}*${sequence}`, n_embd])
    },
    attention: (h, layer) =>
      graph.scope('attn', () => {
        const name = `transformer.h.${layer}`
        const qkv = project(norm(h, `${name}.ln_1`), `${name}.attn.c_attn`)
        const [q, k, v] = split(qkv, 1, [n_embd, n_embd, n_embd]).map(heads)
        const joined = transpose(attend(layer, q!, k!, v!), [0, 2, 1, 3])
        return project(reshape(joined, h.shape), `${name}.attn.c_proj`)
      }),
    mlp: (h, attended, layer, plastic) =>
      graph.scope('mlp', () => {
        const name = `transformer.h.${layer}`
        const residual = plastic?.attentionResidual === false ? h : add(h, attended)
        const u = norm(residual, `${name}.ln_2`)
        const inner = project(u, `${name}.mlp.c_fc`)
        const moved = plastic
          ? plasticLinear(u, inner, plastic.modulation ?? modulation(attended, plastic), plastic)
          : inner
        return add(residual, project(activation(moved), `${name}.mlp.c_proj`))
      }),
    norm: (h) => norm(h, 'transformer.ln_f'),
  }
}

/**
 * The hidden states after the last layer norm.
 *
 * @param plastic the plastic parts of blocks that have one
 * @returns [batch*sequence, n_embd]
 */
export function gpt2(
  config: Gpt2Config,
  parameters: Parameters,
  adapters: Adapters,
  attend: Attend,
  inputs: Gpt2Inputs,
  plastic: PlasticBlocks = noPlasticBlocks,
): Value {
  const { graph } = inputs.input_ids
  return graph.scope('transformer', () => {
    const { embed, attention, mlp, norm } = gpt2Parts(config, parameters, adapters, attend, inputs)
    let h = embed()
    for (let layer = 0; layer < config.n_layer; layer++)
      h = graph.scope(`h.${layer}`, () => mlp(h, attention(h, layer), layer, plastic(layer)))
    return norm(h)
  })
}

/** The LM head: the token embedding itself where it is tied. [vocab_size, n_embd] */
export const lmHead = (config: Gpt2Config, parameters: Parameters): Value =>
  parameters(config.tie_word_embeddings ? 'transformer.wte.weight' : 'lm_head.weight')

/** The factor of the attention scores. */
export const attentionScale = (config: Gpt2Config): number =>
  config.scale_attn_weights ? 1 / Math.sqrt(config.n_embd / config.n_head) : 1

/** Attention over whole sequences: what a token may see is said by {@link causalMask}. */
export const causalAttention = (config: Gpt2Config, attentionMask: Value, dtype: FloatType): Attend =>
  maskedAttention(config, causalMask(attentionMask, dtype))

/** Attention over whole sequences with a mask that is added to the scores. */
export function maskedAttention(config: Gpt2Config, mask: Value): Attend {
  const scale = attentionScale(config)
  return (_layer, q, k, v) => attention(q, k, v, mask, scale)
}
