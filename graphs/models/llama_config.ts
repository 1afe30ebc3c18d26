/**
 * The configurations of Llama and of what grew out of it, under the key names of Hugging Face's `config.json`, as transformers reads
 * them: what the types differ in, and what of a layer follows from a configuration.
 * @module
 */
import type { ActivationName } from '../layers/activation.ts'
import type { Rotary } from '../layers/rotary.ts'

/** What a type's architecture has, whatever its configuration says. */
interface Traits {
  /** What sentences call it. */
  readonly noun: string
  /** What begins the names of transformers' classes. */
  readonly architecture: string
  /** Whether q, k and v have biases; absent: `attention_bias` says so, of the output, too. */
  readonly biases?: boolean
  /** Whether the heads of q and k are normalised. */
  readonly headNorms: boolean
  /** 1: norms' weights are kept less 1. */
  readonly normOffset: 0 | 1
  /** Whether what attention and MLP give is normalised before it is added. */
  readonly outputNorms: boolean
  /** Whether embeddings are multiplied by √width. */
  readonly scaledEmbeddings: boolean
  /** θ where nothing is said: of layers that see all, and of those with a window. */
  readonly theta: number
  readonly localTheta?: number
}

const plain = {
  headNorms: false,
  normOffset: 0,
  outputNorms: false,
  scaledEmbeddings: false,
  theta: 10_000,
} as const

export const llamaTypes = {
  llama: { ...plain, noun: 'Llama', architecture: 'Llama' },
  mistral: { ...plain, noun: 'Mistral', architecture: 'Mistral', biases: false },
  qwen2: { ...plain, noun: 'Qwen2', architecture: 'Qwen2', biases: true },
  qwen3: { ...plain, noun: 'Qwen3', architecture: 'Qwen3', headNorms: true },
  smollm3: { ...plain, noun: 'SmolLM3', architecture: 'SmolLM3', theta: 2_000_000 },
  gemma3_text: {
    ...{ noun: 'Gemma 3', architecture: 'Gemma3', headNorms: true, normOffset: 1 },
    ...{ outputNorms: true, scaledEmbeddings: true, theta: 1_000_000, localTheta: 10_000 },
  },
} as const satisfies Readonly<Record<string, Traits>>

export type LlamaType = keyof typeof llamaTypes

export const LLAMA_TYPES = Object.keys(llamaTypes) as LlamaType[]

export const traitsOf = ({ model_type }: Pick<LlamaConfig, 'model_type'>): Traits => llamaTypes[model_type]

/** Whether a layer sees all positions before it, or the nearest. */
export type LayerKind = 'full_attention' | 'sliding_attention'

/** What configurations say of rotary positions; what is missing is said elsewhere. */
export interface RotaryOptions {
  readonly rope_type?: Rotary['rope_type'] | undefined
  /** Its name of before. */
  readonly type?: Rotary['rope_type'] | undefined
  readonly rope_theta?: number | undefined
  readonly factor?: number | undefined
  readonly low_freq_factor?: number | undefined
  readonly high_freq_factor?: number | undefined
  readonly original_max_position_embeddings?: number | undefined
}

/** The same of all layers, or of each kind. */
export type RotaryParameters = RotaryOptions & {
  readonly [K in LayerKind]?: RotaryOptions | null | undefined
}

/** What a `config.json` says about the computation; as read from a file it carries the file's other keys too. */
export interface LlamaConfig {
  readonly model_type: LlamaType
  readonly vocab_size: number
  /** Width of the residual stream. */
  readonly hidden_size: number
  readonly num_hidden_layers: number
  /** Heads of queries; a multiple of `num_key_value_heads`. */
  readonly num_attention_heads: number
  readonly num_key_value_heads: number
  /** Numbers of a head; an even one. */
  readonly head_dim: number
  /** Width of the MLP. */
  readonly intermediate_size: number
  readonly hidden_act: ActivationName
  /** Longest sequence, in tokens. */
  readonly max_position_embeddings: number
  readonly rms_norm_eps: number
  /** Whether the LM head is the token embedding itself. */
  readonly tie_word_embeddings: boolean
  readonly attention_bias: boolean
  /** Dropout of attention probabilities while training, where a task asks for it; absent: 0. */
  readonly attention_dropout?: number | null | undefined
  readonly mlp_bias: boolean
  readonly rope_theta?: number | null | undefined
  readonly rope_scaling?: RotaryOptions | null | undefined
  /** θ of layers with a window. */
  readonly rope_local_base_freq?: number | null | undefined
  /** What transformers 5 writes in place of the three before it. */
  readonly rope_parameters?: RotaryParameters | null | undefined
  /** 0 at layers whose attention knows no positions. */
  readonly no_rope_layers?: readonly number[] | null | undefined
  readonly no_rope_layer_interval?: number
  readonly layer_types?: readonly LayerKind[] | null | undefined
  readonly sliding_window?: number | null | undefined
  readonly use_sliding_window?: boolean
  /** The first layer with a window. */
  readonly max_window_layers?: number
  /** One layer of so many sees all. */
  readonly sliding_window_pattern?: number
  /** Scores are divided by its root, in place of that of `head_dim`. */
  readonly query_pre_attn_scalar?: number
  readonly bos_token_id: number | null
  /** One token or several that end a text. */
  readonly eos_token_id: number | readonly number[] | null
  readonly pad_token_id?: number | null
  /** Standard deviation of freshly initialised weights. */
  readonly initializer_range: number
}

/** What a type's layers differ in among themselves. */
interface Layers {
  /** Whether a layer has a window, where `layer_types` does not say so. */
  readonly slides: (config: LlamaConfig, layer: number) => boolean
  /** Whether `layer_types` counts. */
  readonly named: boolean
  /** Whether windows count only where `use_sliding_window` says so. */
  readonly asked: boolean
  /** Whether attention of a layer knows positions. */
  readonly turns: (config: LlamaConfig, layer: number) => boolean
}

const always = (): boolean => true
const alike = { slides: () => false, named: false, asked: false, turns: always }
const upper = ({ max_window_layers = 28 }: LlamaConfig, layer: number) => layer >= max_window_layers
const turnsSome = ({ no_rope_layers, no_rope_layer_interval = 4 }: LlamaConfig, layer: number) =>
  no_rope_layers ? no_rope_layers[layer] !== 0 : (layer + 1) % no_rope_layer_interval !== 0

const layersOf: Readonly<Record<LlamaType, Layers>> = {
  llama: alike,
  mistral: { ...alike, slides: always },
  qwen2: { slides: upper, named: true, asked: true, turns: always },
  qwen3: { slides: upper, named: true, asked: true, turns: always },
  smollm3: {
    ...{ slides: (config, layer) => !turnsSome(config, layer), named: true, asked: true },
    turns: turnsSome,
  },
  gemma3_text: {
    slides: ({ sliding_window_pattern = 6 }, layer) => (layer + 1) % sliding_window_pattern !== 0,
    ...{ named: true, asked: false, turns: always },
  },
}

function kindOf(config: LlamaConfig, layer: number): LayerKind {
  const { named, slides } = layersOf[config.model_type]
  const given = named ? config.layer_types?.[layer] : undefined
  return given ?? (slides(config, layer) ? 'sliding_attention' : 'full_attention')
}

/** How many of the nearest positions a layer sees; null: all. */
export function windowOf(config: LlamaConfig, layer: number): number | null {
  const { sliding_window, use_sliding_window = false, max_position_embeddings, model_type } = config
  if (sliding_window == null || kindOf(config, layer) === 'full_attention') return null
  if (layersOf[model_type].asked && !use_sliding_window) return null
  return sliding_window < max_position_embeddings ? sliding_window : null
}

/** How the heads of a layer are turned by positions; null: not at all. */
export function rotaryOf(config: LlamaConfig, layer: number): Rotary | null {
  if (!layersOf[config.model_type].turns(config, layer)) return null
  const { theta, localTheta } = traitsOf(config)
  const parameters = config.rope_parameters ?? {}
  const kind = kindOf(config, layer)
  if (localTheta !== undefined && kind === 'sliding_attention') {
    const own = parameters[kind] ?? {}
    return rotary({ rope_theta: config.rope_local_base_freq ?? localTheta, ...own }, config)
  }
  const own = localTheta === undefined ? (parameters[kind] ?? parameters) : (parameters.full_attention ?? {})
  return rotary({ rope_theta: config.rope_theta ?? theta, ...own, ...config.rope_scaling }, config)
}

function rotary(options: RotaryOptions & { readonly rope_theta: number }, config: LlamaConfig): Rotary {
  const { rope_theta, type = 'default', rope_type = type, factor = 1 } = options
  const { original_max_position_embeddings: original = config.max_position_embeddings } = options
  switch (rope_type) {
    case 'default':
      return { rope_theta, rope_type }
    case 'linear':
      return { rope_theta, rope_type, factor }
    case 'llama3':
      return {
        ...{ rope_theta, rope_type, factor, original_max_position_embeddings: original },
        low_freq_factor: options.low_freq_factor!,
        high_freq_factor: options.high_freq_factor!,
      }
  }
}
