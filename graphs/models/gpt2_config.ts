/**
 * The shape of a GPT-2 model, under the key names of Hugging Face's `config.json`, and the parameters it implies.
 * Names and shapes follow transformers' `GPT2LMHeadModel`; its Conv1D weights are stored [in, out].
 * @module
 */

export const gpt2Activations = ['gelu_new', 'gelu_pytorch_tanh', 'gelu', 'relu', 'silu', 'tanh'] as const

/** `gelu_new` and `gelu_pytorch_tanh` are the same tanh approximation; `gelu` is the exact form with erf. */
export type Gpt2Activation = (typeof gpt2Activations)[number]

/**
 * What a GPT-2 `config.json` says about the computation. A configuration that was read from a file also carries the
 * file's other keys at run time, so that copying and writing it loses nothing.
 */
export interface Gpt2Config {
  readonly n_layer: number
  readonly n_head: number
  /** Width of the residual stream; a multiple of `n_head`. */
  readonly n_embd: number
  /** Longest sequence, in tokens. */
  readonly n_positions: number
  readonly vocab_size: number
  /** Width of the MLP; null means 4·n_embd. */
  readonly n_inner: number | null
  readonly activation_function: Gpt2Activation
  readonly layer_norm_epsilon: number
  /** Whether the LM head is the token embedding itself. */
  readonly tie_word_embeddings: boolean
  /** Whether attention scores are divided by √(n_embd / n_head). */
  readonly scale_attn_weights: boolean
  readonly bos_token_id: number | null
  readonly eos_token_id: number | null
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
  if (!config.tie_word_embeddings) shapes.set('lm_head.weight', [config.vocab_size, width])
  return shapes
}
