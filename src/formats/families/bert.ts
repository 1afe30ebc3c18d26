/**
 * BERT in files: `config.json`, names of tensors, adapters. As transformers and PEFT write them; `BertForSequenceClassification`
 * names tensors `bert.embeddings.LayerNorm.weight`, `BertModel` the same without `bert.`, and the checkpoints first published have
 * `gamma` and `beta` in layer norms.
 * @module
 */
import { z } from 'zod'

import { positiveFloat32 } from '../../float32_option.ts'
import type { BertConfig } from '../../../graphs/models/bert.ts'
import { activation, dropout, off, size, unsupported } from './bounds.ts'
import type { FamilyFormat } from './family.ts'
import { checkJson } from '../../schema.ts'

const schema = z
  .looseObject({
    model_type: z.literal('bert'),
    vocab_size: size(2 ** 22),
    hidden_size: size(2 ** 16),
    num_hidden_layers: size(256),
    num_attention_heads: size(1024),
    intermediate_size: size(2 ** 20),
    hidden_act: activation('gelu'),
    max_position_embeddings: size(2 ** 20),
    type_vocab_size: size(2 ** 16).default(2),
    layer_norm_eps: positiveFloat32().max(1).default(1e-12),
    initializer_range: positiveFloat32().max(10).default(0.02),
    pad_token_id: z.int().nullable().default(0),
    position_embedding_type: z.literal('absolute', unsupported('absolute')).optional(),
    hidden_dropout_prob: dropout,
    attention_probs_dropout_prob: dropout,
    is_decoder: off,
    add_cross_attention: off,
  })
  .refine((config) => config.hidden_size % config.num_attention_heads === 0, {
    path: ['hidden_size'],
    error: ({ input }) => {
      const { hidden_size, num_attention_heads } = input as BertConfig
      return `${hidden_size} does not divide into num_attention_heads = ${num_attention_heads} equal parts`
    },
  })

/**
 * A BERT's configuration from a JSON value; `where` is what errors call it.
 * @throws UserError where a value is missing or out of bounds, or changes the computation in a way that is not followed here
 */
export const parseBertConfig = (json: unknown, where: string): BertConfig => checkJson(schema, json, where)

export const bertFormat: FamilyFormat<BertConfig> = {
  parse: parseBertConfig,
  architecture: 'BertModel',
  classifiers: ['BertForSequenceClassification'],
  pooledHead: () => ({ architectures: ['BertForSequenceClassification'] }),
  generation: () => null,
  paddingToken: () => undefined,
  dropouts: ['hidden_dropout_prob', 'attention_probs_dropout_prob'],
  naming: {
    canonical: (name) =>
      (/^(embeddings|encoder|pooler)\./.test(name) ? `bert.${name}` : name)
        .replace(/\.LayerNorm\.gamma$/, '.LayerNorm.weight')
        .replace(/\.LayerNorm\.beta$/, '.LayerNorm.bias'),
    blocks: 'bert.encoder.',
    // Language models of masked tokens have no pooled output.
    fresh: /^bert\.pooler\./,
  },
  tied: () => null,
  adapterKeys: {
    prefix: 'bert.',
    key: /^base_model\.model\.(?:bert\.)?((?:encoder\.layer\.\d+\.[\w.]+|pooler)\.(?:query|key|value|dense))\.(lora_[AB]\.weight)$/,
  },
  hasPublishedVocabulary: () => false,
}
