/**
 * A model of Llama's family of a few hundred weights, with nearly all that its types have.
 * @module
 */
import type { LlamaConfig } from '../../graphs/models/llama_config.ts'

/** Groups of heads, windows, head norms, four norms a block, frequencies of two kinds. */
export const tinyLlama: LlamaConfig = {
  model_type: 'gemma3_text',
  ...{ vocab_size: 11, hidden_size: 8, intermediate_size: 12, num_hidden_layers: 2 },
  ...{ num_attention_heads: 4, num_key_value_heads: 2, head_dim: 6, hidden_act: 'gelu_pytorch_tanh' },
  ...{ max_position_embeddings: 6, sliding_window: 2, sliding_window_pattern: 2, query_pre_attn_scalar: 9 },
  ...{ rms_norm_eps: 1e-6, tie_word_embeddings: true, attention_bias: false, mlp_bias: false },
  ...{ bos_token_id: null, eos_token_id: null, initializer_range: 0.02 },
}
