/**
 * What the files of all families that write have in common: ids of tokens, and heads on the last token's state or the mean of all.
 * @module
 */
import { z } from 'zod'

import type { Head, PooledHead } from '../../../graphs/models/head.ts'
import { headWords } from '../heads.ts'
import type { FamilyFormat } from './family.ts'

/** One below 0 stands for none. */
const token = z
  .int()
  .nullable()
  .transform((id) => (id !== null && id < 0 ? null : id))

/** Keys of `config.json` with the ids of tokens. */
export const tokenIds = {
  bos_token_id: token.default(null),
  eos_token_id: z.union([token.default(null), z.array(z.int().min(0)).min(1)]),
  pad_token_id: token.optional(),
}

/** What a configuration says of tokens. */
export interface TokenIds {
  readonly vocab_size: number
  readonly bos_token_id: number | null
  /** One token or several that end a text. */
  readonly eos_token_id: number | readonly number[] | null
  readonly pad_token_id?: number | null
}

/**
 * The token that a classifier's texts are padded with. transformers passes it over at a text's end, wherever it comes from, so a
 * head that pools the last token does the same here; where the configuration names none it is the end of text, as is customary.
 * What a reward model scores ends in end of text, which must not be passed over; there it is a token that responses do not end in.
 */
export function paddingToken(
  { pad_token_id, eos_token_id, vocab_size }: TokenIds,
  { kind }: Pick<Head, 'kind'>,
): number | undefined {
  const ends = [eos_token_id ?? []].flat()
  const own = pad_token_id != null && pad_token_id < vocab_size ? [pad_token_id] : []
  return headWords[kind].readsEnd
    ? [...own, 0, 1, 2].find((token) => !ends.includes(token))
    : [...own, ...ends][0]
}

const MEAN_TYPE = /^ortune_(\w+)_mean$/

/** The type of a model's body, where its head makes another type of it; see {@link writing}. */
export const plainType = (model_type: string): string => MEAN_TYPE.exec(model_type)?.[1] ?? model_type

/**
 * What a format says of heads and tokens.
 *
 * transformers' classifiers always pool the last token. Where ours pools the mean, the type and the architecture have names that
 * transformers does not know, so that it refuses the model instead of answering something else; `ortune_pooling` says what it does.
 *
 * @param classifier transformers' name of a classifier of the family
 */
export function writing(
  model_type: string,
  classifier: string,
): Pick<FamilyFormat<TokenIds>, 'classifiers' | 'pooledHead' | 'generation' | 'paddingToken'> {
  const mean = `Ortune${classifier.replace('For', 'MeanFor')}`
  return {
    classifiers: [classifier, mean],
    pooledHead(config: TokenIds, head: PooledHead) {
      const padded = { pad_token_id: paddingToken(config, head) ?? null }
      return head.pooling === 'last'
        ? { ...padded, architectures: [classifier] }
        : {
            ...padded,
            architectures: [mean],
            model_type: `ortune_${model_type}_mean`,
            ortune_pooling: head.pooling,
          }
    },
    generation: ({ bos_token_id, eos_token_id }) => ({ bos_token_id, eos_token_id }),
    paddingToken,
  }
}
