/**
 * GPT-2 in files: `config.json`, names of tensors, adapters. As transformers and PEFT write them; `GPT2LMHeadModel` names tensors
 * `transformer.h.0.ln_1.weight`, the checkpoints first published (and `GPT2Model`) `h.0.ln_1.weight`.
 * @module
 */
import { z } from 'zod'

import { positiveFloat32 } from '../../float32_option.ts'
import type { Gpt2Config } from '../../../graphs/models/gpt2.ts'
import { UserError } from '../../errors.ts'
import { headWords } from '../heads.ts'
import type { Head, PooledHead } from '../../../graphs/models/head.ts'
import { quote } from '../../quote.ts'
import { activation, off, size } from './bounds.ts'
import type { FamilyFormat } from './family.ts'
import { checkJson } from '../../schema.ts'

/** One below 0 stands for none. */
const token = z
  .int()
  .nullable()
  .transform((id) => (id !== null && id < 0 ? null : id))
const tokenId = token.default(null)

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
    bos_token_id: tokenId,
    eos_token_id: z.union([tokenId, z.array(z.int().min(0)).min(1)]),
    pad_token_id: token.optional(),
    initializer_range: positiveFloat32().max(10).default(0.02),
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

/** A type of its own for what transformers would compute otherwise; see {@link pooledHead}. */
const MEAN_MODEL_TYPE = 'ortune_gpt2_mean'
const MODEL_TYPES: readonly unknown[] = ['gpt2', MEAN_MODEL_TYPE]

/** A GPT-2's configuration from a JSON value; what the type does not name is kept at run time, to be written again. */
export function parseGpt2Config(json: unknown, where: string): Gpt2Config {
  const given = checkJson(z.looseObject({}), json, where)
  const type = given['model_type'] ?? 'gpt2'
  if (!MODEL_TYPES.includes(type))
    throw new UserError(`${where} describes a model of type ${quote(type)}; only gpt2 and bert are supported`)
  return checkJson(schema, { n_positions: given['n_ctx'], ...given, model_type: 'gpt2' }, where)
}

const ARCHITECTURE = 'GPT2ForSequenceClassification'
const MEAN_ARCHITECTURE = 'OrtuneGPT2MeanForSequenceClassification'

/**
 * The token that a classifier's texts are padded with. transformers passes it over at a text's end, wherever it comes from, so a
 * head that pools the last token does the same here; where the configuration names none it is the end of text, as is customary.
 * What a reward model scores ends in end of text, which must not be passed over; there it is a token that responses do not end in.
 */
export function paddingToken(
  { pad_token_id, eos_token_id, vocab_size }: Gpt2Config,
  { kind }: Pick<Head, 'kind'>,
): number | undefined {
  const ends = [eos_token_id ?? []].flat()
  const own = pad_token_id != null && pad_token_id < vocab_size ? [pad_token_id] : []
  return headWords[kind].readsEnd
    ? [...own, 0, 1, 2].find((token) => !ends.includes(token))
    : [...own, ...ends][0]
}

/**
 * transformers' classifier always pools the last token. Where ours pools the mean, the architecture has a name that transformers
 * does not know, so that it refuses the model instead of answering something else; `ortune_pooling` says what it does.
 */
function pooledHead(config: Gpt2Config, head: PooledHead): Record<string, unknown> {
  const padded = { pad_token_id: paddingToken(config, head) ?? null }
  return head.pooling === 'last'
    ? { ...padded, architectures: [ARCHITECTURE] }
    : {
        ...padded,
        architectures: [MEAN_ARCHITECTURE],
        model_type: MEAN_MODEL_TYPE,
        ortune_pooling: head.pooling,
      }
}

/** Entries of GPT-2's own vocabulary. */
const PUBLISHED_VOCABULARY = 50257

export const gpt2Format: FamilyFormat<Gpt2Config> = {
  parse: parseGpt2Config,
  architecture: 'GPT2LMHeadModel',
  classifiers: [ARCHITECTURE, MEAN_ARCHITECTURE],
  pooledHead,
  generation: ({ bos_token_id, eos_token_id }) => ({ bos_token_id, eos_token_id }),
  paddingToken,
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
