/**
 * A GPT-2 of a few hundred weights, for checking every kind of gradient.
 * @module
 */
import type { Gpt2Config } from '../../graphs/models/gpt2.ts'
import type { LoraConfig } from '../../graphs/models/lora_config.ts'
import type { ParameterShapes } from '../../graphs/models/parameters.ts'
import type { HostTensor } from '../../src/runtime/session.ts'
import { random, toHost } from './tensor.ts'

export const tiny: Gpt2Config = {
  n_layer: 2,
  n_head: 2,
  n_embd: 8,
  n_positions: 6,
  vocab_size: 11,
  n_inner: 12,
  activation_function: 'gelu_new',
  layer_norm_epsilon: 1e-5,
  tie_word_embeddings: true,
  scale_attn_weights: true,
  bos_token_id: null,
  eos_token_id: null,
  initializer_range: 0.02,
}
export const adapters: LoraConfig = {
  r: 3,
  lora_alpha: 6,
  target_modules: ['c_attn', 'attn.c_proj', 'h.1.mlp.c_fc'],
}

/** Weights of about a third, large enough that every gradient matters. */
export const weightFeeds = (
  shapes: ParameterShapes,
  dtype: 'float32' | 'float64',
): Record<string, HostTensor> =>
  Object.fromEntries(
    [...shapes].map(([name, shape]) => {
      const isNorm = /(ln_\w+|LayerNorm)\.weight$/.test(name)
      return [name, toHost(random(name, shape, isNorm ? 0.5 : -0.6, isNorm ? 1.5 : 0.6), dtype)]
    }),
  )
