/**
 * GPT-2: its configuration under the key names of Hugging Face's `config.json`, the parameters that implies, and the way from
 * token ids to the final hidden states. Radford et al.: Language Models are Unsupervised Multitask Learners (2019); names and
 * layout follow transformers' `GPT2LMHeadModel`, whose Conv1D weights are stored [in, out].
 * @module
 */
import type { FloatType } from '../ir/dtype.ts'
import type { Value } from '../ir/graph.ts'
import type { ActivationName } from '../layers/activation.ts'
import { activations } from '../layers/activation.ts'
import type { Attend } from '../layers/attention.ts'
import { causalMask, maskedAttention } from '../layers/attention.ts'
import { linear } from '../layers/linear.ts'
import { lora } from '../layers/lora.ts'
import type { PlasticBlock, PlasticBlocks } from '../layers/npt.ts'
import { modulation, noPlasticBlocks, plasticLinear } from '../layers/npt.ts'
import { add, gather, layerNormalization, reshape, split, transpose } from '../ops/index.ts'
import type { Adapters } from './lora_config.ts'
import type { Family } from './family.ts'
import { noNoise } from './model_noise.ts'
import type { Parameters, ParameterShapes } from './parameters.ts'

/**
 * What a GPT-2 `config.json` says about the computation. A configuration that was read from a file also carries the
 * file's other keys at run time, so that copying and writing it loses nothing.
 */
export interface Gpt2Config {
  readonly model_type?: 'gpt2'
  readonly n_layer: number
  readonly n_head: number
  /** Width of the residual stream; a multiple of `n_head`. */
  readonly n_embd: number
  /** Longest sequence, in tokens. */
  readonly n_positions: number
  readonly vocab_size: number
  /** Width of the MLP; null means 4·n_embd. */
  readonly n_inner: number | null
  readonly activation_function: ActivationName
  readonly layer_norm_epsilon: number
  /** Whether the LM head is the token embedding itself. */
  readonly tie_word_embeddings: boolean
  /** Whether attention scores are divided by √(n_embd / n_head). */
  readonly scale_attn_weights: boolean
  readonly bos_token_id: number | null
  /** One token or several that end a text. */
  readonly eos_token_id: number | readonly number[] | null
  readonly pad_token_id?: number | null
  /** Dropout while training, where a task asks for it: of embeddings, attention probabilities, and what blocks add; absent: 0.1. */
  readonly embd_pdrop?: number | null | undefined
  readonly attn_pdrop?: number | null | undefined
  readonly resid_pdrop?: number | null | undefined
  /** Standard deviation of freshly initialised weights. */
  readonly initializer_range: number
}

/** Width of the MLP's hidden layer. */
export function mlpWidth(config: Gpt2Config): number {
  return config.n_inner ?? 4 * config.n_embd
}

/** Every parameter of the model: transformers' name to shape, in the order of the forward pass. */
export function gpt2ParameterShapes(config: Gpt2Config): Map<string, readonly number[]> {
  const width = config.n_embd
  const inner = mlpWidth(config)
  const shapes = new Map<string, readonly number[]>()
  const layerNorm = (name: string) => shapes.set(`${name}.weight`, [width]).set(`${name}.bias`, [width])
  const conv1d = (name: string, from: number, to: number) =>
    shapes.set(`${name}.weight`, [from, to]).set(`${name}.bias`, [to])

  shapes.set('transformer.wte.weight', [config.vocab_size, width])
  shapes.set('transformer.wpe.weight', [config.n_positions, width])
  for (let layer = 0; layer < config.n_layer; layer++) {
    const block = `transformer.h.${layer}`
    layerNorm(`${block}.ln_1`)
    conv1d(`${block}.attn.c_attn`, width, 3 * width)
    conv1d(`${block}.attn.c_proj`, width, width)
    layerNorm(`${block}.ln_2`)
    conv1d(`${block}.mlp.c_fc`, width, inner)
    conv1d(`${block}.mlp.c_proj`, inner, width)
  }
  layerNorm('transformer.ln_f')
  if (!config.tie_word_embeddings) shapes.set(LM_HEAD, [config.vocab_size, width])
  return shapes
}

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
  noise = noNoise,
): Gpt2Parts {
  const { n_embd, n_head } = config
  const [embd_pdrop, resid_pdrop] = [config.embd_pdrop, config.resid_pdrop].map((p) => p ?? USUAL_DROPOUT)
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
        noise.embedded(gather(parameters('transformer.wte.weight'), input_ids)),
        gather(parameters('transformer.wpe.weight'), position_ids),
      )
      return noise.drop(reshape(embedded, [`${batch}*${sequence}`, n_embd]), embd_pdrop!)
    },
    attention: (h, layer) =>
      graph.scope('attn', () => {
        const name = `transformer.h.${layer}`
        const qkv = project(norm(h, `${name}.ln_1`), `${name}.attn.c_attn`)
        const [q, k, v] = split(qkv, 1, [n_embd, n_embd, n_embd]).map(heads)
        const joined = transpose(attend(layer, q!, k!, v!), [0, 2, 1, 3])
        return noise.drop(project(reshape(joined, h.shape), `${name}.attn.c_proj`), resid_pdrop!)
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
        const added = project(activation(moved), `${name}.mlp.c_proj`)
        return add(residual, noise.drop(added, resid_pdrop!))
      }),
    norm: (h) => norm(h, 'transformer.ln_f'),
  }
}

/**
 * The hidden states after the last layer norm.
 *
 * @param plastic the plastic parts of blocks that have one
 * @param noise what disturbs it in training
 * @returns [batch*sequence, n_embd]
 */
export function gpt2(
  config: Gpt2Config,
  parameters: Parameters,
  adapters: Adapters,
  attend: Attend,
  inputs: Gpt2Inputs,
  plastic: PlasticBlocks = noPlasticBlocks,
  noise = noNoise,
): Value {
  const { graph } = inputs.input_ids
  return graph.scope('transformer', () => {
    const { embed, attention, mlp, norm } = gpt2Parts(config, parameters, adapters, attend, inputs, noise)
    let h = embed()
    for (let layer = 0; layer < config.n_layer; layer++)
      h = graph.scope(`h.${layer}`, () =>
        graph.segment([h], () => mlp(h, attention(h, layer), layer, plastic(layer))),
      )
    return norm(h)
  })
}

/** The LM head: the token embedding itself where it is tied. [vocab_size, n_embd] */
export const lmHead = (config: Gpt2Config, parameters: Parameters): Value =>
  parameters(config.tie_word_embeddings ? 'transformer.wte.weight' : LM_HEAD)

/** The factor of the attention scores. */
export const attentionScale = (config: Gpt2Config): number =>
  config.scale_attn_weights ? 1 / Math.sqrt(config.n_embd / config.n_head) : 1

/** Attention over whole sequences: what a token may see is said by {@link causalMask}. */
export const causalAttention = (config: Gpt2Config, attentionMask: Value, dtype: FloatType): Attend =>
  maskedAttention(attentionScale(config), () => causalMask(attentionMask, dtype))

/** The parameters below a head: all but those of a language model's own head. */
export function gpt2BodyShapes(config: Gpt2Config): ParameterShapes {
  const shapes = gpt2ParameterShapes(config)
  shapes.delete(LM_HEAD)
  return shapes
}

/** That of transformers, where a configuration says nothing. */
const USUAL_DROPOUT = 0.1

const LM_HEAD = 'lm_head.weight'

export const gpt2Family: Family<Gpt2Config> = {
  noun: 'GPT-2',
  facts: (config) => ({
    width: config.n_embd,
    context: config.n_positions,
    vocabulary: config.vocab_size,
    layers: config.n_layer,
    heads: config.n_head,
    kvHeads: config.n_head,
    headSize: config.n_embd / config.n_head,
    padding: config.pad_token_id ?? null,
    attentionDropout: config.attn_pdrop ?? USUAL_DROPOUT,
  }),
  shapes: gpt2BodyShapes,
  layout: 'in_out',
  unadapted: ['transformer.wte', 'transformer.wpe', 'lm_head'],
  adapterTargets: ['c_attn', 'attn.c_proj'],
  positions: true,
  parts: false,
  mask: causalMask,
  attentionScale,
  window: () => null,
  body: (config, { parameters, adapters, plastic, noise }, attend, { input_ids, position_ids }) =>
    gpt2(config, parameters, adapters, attend, { input_ids, position_ids: position_ids! }, plastic, noise),
  pooler: null,
  pooledHead: () => ({ weight: 'score.weight' }),
  language: {
    shapes: (config) =>
      config.tie_word_embeddings ? new Map() : new Map([[LM_HEAD, [config.vocab_size, config.n_embd]]]),
    head: lmHead,
  },
  plastic: {
    module: (layer) => `transformer.h.${layer}.mlp.c_fc`,
    inner: mlpWidth,
    parts: (config, { parameters, adapters }, attend, { input_ids, position_ids }) =>
      gpt2Parts(config, parameters, adapters, attend, { input_ids, position_ids: position_ids! }),
  },
  // Residual projections are the smaller the deeper the model is, so that the stream's variance does not grow with depth
  // (Radford et al. 2019, §2.3).
  deviation: (config, name) =>
    config.initializer_range / (name.endsWith('.c_proj.weight') ? Math.sqrt(2 * config.n_layer) : 1),
  freshNorm: (name) => (/\.ln_\w+\.weight$/.test(name) ? 1 : null),
}
