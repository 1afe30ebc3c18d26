/**
 * The shape of a BERT model, under the key names of Hugging Face's `config.json`, and the parameters it implies.
 * Names and shapes follow transformers' `BertForSequenceClassification`; its linear weights are stored [out, in].
 * @module
 */
import type { Gpt2Activation } from './gpt2_config.ts'

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
  readonly hidden_act: Gpt2Activation
  /** Longest sequence, in tokens. */
  readonly max_position_embeddings: number
  /** How many parts of a sequence have an embedding of their own. */
  readonly type_vocab_size: number
  readonly layer_norm_eps: number
  /** Standard deviation of freshly initialised weights. */
  readonly initializer_range: number
  readonly pad_token_id: number | null
}

/** Tells BERT's configuration from GPT-2's, which may carry a `model_type` at run time. */
export const isBert = (config: object): config is BertConfig =>
  (config as { model_type?: unknown }).model_type === 'bert'

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
