/**
 * Sequences of tokens as a BERT reads them: [CLS] part [SEP] part [SEP]. Devlin et al. 2018, section 3.
 * @module
 */
import type { ModelConfig } from '../../../graphs/models/family.ts'
import { familyOf } from '../../../graphs/models/family.ts'
import { UserError } from '../../errors.ts'
import type { Tokenizer } from '../../text/tokenizer.ts'
import { END_MARK } from '../templates/end_of_text.ts'
import { encodeMarked } from './encode_marked.ts'

export type BertTokenizer = Tokenizer & Required<Pick<Tokenizer, 'clsId' | 'sepId'>>

/** Whether a tokenizer puts tokens around texts. */
export const isBertTokenizer = (tokenizer: Tokenizer): tokenizer is BertTokenizer =>
  tokenizer.clsId !== undefined && tokenizer.sepId !== undefined

/** The tokens of the parts of rendered text. Each END_MARK ends a part, and so does the end of the text. */
export const bertParts = (tokenizer: BertTokenizer, text: string): number[][] =>
  (text.endsWith(END_MARK) ? text.slice(0, -END_MARK.length) : text)
    .split(END_MARK)
    .map((part) => encodeMarked(tokenizer, part))

/** [CLS] part [SEP] part [SEP] … */
export const joinBertParts = (
  { clsId, sepId }: BertTokenizer,
  parts: readonly (readonly number[])[],
): number[] => [clsId, ...parts.flatMap((part) => [...part, sepId])]

/** The tokens of rendered text, whole. */
export const bertSequence = (tokenizer: BertTokenizer, text: string): number[] =>
  joinBertParts(tokenizer, bertParts(tokenizer, text))

/** At most so many of a sequence's tokens. A BERT's sequence that is cut still ends in [SEP]. */
export function cutSequence(tokenizer: Tokenizer, ids: readonly number[], most: number): readonly number[] {
  if (ids.length <= most) return ids
  return isBertTokenizer(tokenizer) ? [...ids.slice(0, most - 1), tokenizer.sepId] : ids.slice(0, most)
}

/** Throws UserError where a BERT's tokenizer has no tokens to put around texts. */
export function checkTokenizer(tokenizer: Tokenizer, config: ModelConfig, where: string): void {
  if (familyOf(config).parts && !isBertTokenizer(tokenizer))
    throw new UserError(
      `${where}: its tokenizer is no WordPiece tokenizer with [CLS] and [SEP], which a BERT needs around texts; put the model's own tokenizer.json there`,
    )
}
