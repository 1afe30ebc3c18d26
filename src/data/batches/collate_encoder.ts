/** @module */
import type { Pooling } from '../../../graphs/layers/pooling.ts'
import type { ModelConfig } from '../../../graphs/models/family.ts'
import { factsOf, familyOf } from '../../../graphs/models/family.ts'
import type { Feeds } from '../../runtime/session.ts'
import { collateTokens, int64 } from './collate.ts'
import type { EncodedExample } from '../examples/encode.ts'

/** How an encoder's inputs are made of token ids. */
export interface EncoderTokens {
  readonly config: ModelConfig
  readonly pooling: Pooling
  /** Of a family with `parts`: the id that ends each part of a sequence. */
  readonly separator?: number | undefined
}

/**
 * The inputs of an encoder, one row each, padded on the right.
 *
 * input_ids, attention_mask: int64 [rows, sequence]. With `positions`: position_ids like them, and with pooling `last` pool_positions
 * int64 [rows], the flat index of each last token, the configuration's padding passed over. With `parts`: token_type_ids int64 [rows, sequence], 0 up to and with the first
 * separator and 1 after it.
 */
export function collateEncoder(
  rows: readonly Pick<EncodedExample, 'input_ids'>[],
  { config, pooling, separator }: EncoderTokens,
): Feeds {
  const { feeds, sequence } = collateTokens(rows.map(({ input_ids }) => [{ input_ids, labels: input_ids }]))
  if (!familyOf(config).parts) {
    if (pooling !== 'last') return feeds
    const { padding } = factsOf(config)
    const last = int64([rows.length])
    rows.forEach(({ input_ids }, b) => last.set(b, b * sequence + lastToken(input_ids, padding)))
    return { ...feeds, pool_positions: last.tensor }
  }
  const types = int64([rows.length, sequence])
  for (const [b, { input_ids }] of rows.entries()) {
    const second = input_ids.indexOf(separator!) + 1
    for (let t = second; second > 0 && t < input_ids.length; t++) types.set(b * sequence + t, 1)
  }
  const { input_ids, attention_mask } = feeds
  return { input_ids: input_ids!, attention_mask: attention_mask!, token_type_ids: types.tensor }
}

/** Where the last token lies that is not passed over; the first, where all of them are. */
function lastToken(ids: Int32Array, padding: number | null): number {
  let last = ids.length - 1
  while (last > 0 && ids[last] === padding) last--
  return last
}
