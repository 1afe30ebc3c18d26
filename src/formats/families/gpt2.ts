/**
 * GPT-2 in files: `config.json`, names of tensors, adapters. As transformers and PEFT write them; `GPT2LMHeadModel` names tensors
 * `transformer.h.0.ln_1.weight`, the checkpoints first published (and `GPT2Model`) `h.0.ln_1.weight`.
 * @module
 */
import { z } from 'zod'

import { positiveFloat32 } from '../../float32_option.ts'
import type { Gpt2Config } from '../../../graphs/models/gpt2.ts'
import { activation, dropout, off, size } from './bounds.ts'
import type { FamilyFormat } from './family.ts'
import { checkJson } from '../../schema.ts'
import { tokenIds, writing } from './writing.ts'

const schema = z
  .looseObject({
    n_layer: size(256),
    n_head: size(1024),
    n_embd: size(2 ** 16),
    n_positions: size(2 ** 20),
    vocab_size: size(2 ** 22),
    n_inner: size(2 ** 20)
      .nullable()
      .default(null),
    activation_function: activation('gelu_new'),
    layer_norm_epsilon: positiveFloat32().max(1).default(1e-5),
    tie_word_embeddings: z.boolean().default(true),
    scale_attn_weights: z.boolean().default(true),
    ...tokenIds,
    initializer_range: positiveFloat32().max(10).default(0.02),
    embd_pdrop: dropout,
    attn_pdrop: dropout,
    resid_pdrop: dropout,
    scale_attn_by_inverse_layer_idx: off,
    add_cross_attention: off,
  })
  .refine((config) => config.n_embd % config.n_head === 0, {
    path: ['n_embd'],
    error: ({ input }) => {
      const { n_embd, n_head } = input as Gpt2Config
      return `${n_embd} does not divide into n_head = ${n_head} equal parts`
    },
  })

/** A GPT-2's configuration from a JSON value; what the type does not name is kept at run time, to be written again. */
export function parseGpt2Config(json: unknown, where: string): Gpt2Config {
  const given = checkJson(z.looseObject({}), json, where)
  return checkJson(schema, { n_positions: given['n_ctx'], ...given, model_type: 'gpt2' }, where)
}

/** Entries of GPT-2's own vocabulary. */
const PUBLISHED_VOCABULARY = 50257

export const gpt2Format: FamilyFormat<Gpt2Config> = {
  parse: parseGpt2Config,
  architecture: 'GPT2LMHeadModel',
  ...writing('gpt2', 'GPT2ForSequenceClassification'),
  dropouts: ['embd_pdrop', 'attn_pdrop', 'resid_pdrop'],
  naming: {
    canonical: (name) => (/^(wte|wpe|h|ln_f)\./.test(name) ? `transformer.${name}` : name),
    blocks: 'transformer.h.',
    // The causal mask, which older files carry along.
    unused: /^transformer\.h\.\d+\.attn\.(bias|masked_bias)$/,
  },
  tied: ({ tie_word_embeddings }) =>
    tie_word_embeddings ? { tensor: 'lm_head.weight', to: 'transformer.wte.weight' } : null,
  adapterKeys: {
    prefix: 'transformer.',
    key: /^base_model\.model\.(?:transformer\.)?(h\.\d+\.(?:attn|mlp)\.c_\w+)\.(lora_[AB]\.weight)$/,
  },
  hasPublishedVocabulary: ({ vocab_size }) => vocab_size === PUBLISHED_VOCABULARY,
}
