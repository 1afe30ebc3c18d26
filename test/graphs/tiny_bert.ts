/**
 * A BERT of a few hundred weights, for checking every kind of gradient.
 * @module
 */
import type { BertConfig } from '../../graphs/models/bert.ts'

export const tinyBert: BertConfig = {
  model_type: 'bert',
  vocab_size: 11,
  hidden_size: 8,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  intermediate_size: 12,
  hidden_act: 'gelu',
  max_position_embeddings: 6,
  type_vocab_size: 2,
  layer_norm_eps: 1e-5,
  initializer_range: 0.02,
  pad_token_id: 0,
}
