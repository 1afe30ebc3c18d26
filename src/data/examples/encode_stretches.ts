/**
 * The tokens of a rendered text that is given in stretches, each tokenised by itself, so that a prompt has the same tokens before
 * an answer as when an answer is still to be written.
 * @module
 */
import type { Before, Tokenizer } from '../../text/tokenizer.ts'
import { END_MARK, WHOLE_MARK } from '../templates/end_of_text.ts'
import { encodeMarked } from './encode_marked.ts'

/** The tokens of each stretch; before the first are those that the tokenizer begins texts with. */
export function encodeStretches(tokenizer: Tokenizer, stretches: readonly string[]): number[][] {
  const [first = '', ...others] = stretches
  const isWhole = first.startsWith(WHOLE_MARK)
  let before: Before = 'nothing'
  const rows = [isWhole ? first.slice(WHOLE_MARK.length) : first, ...others].map((text) => {
    const ids = encodeText(tokenizer, text, before)
    before = placeAfter(tokenizer, ids, before)
    return ids
  })
  if (isWhole) return rows
  const [begun, ...rest] = rows
  return [beginText(tokenizer, begun!), ...rest]
}

/** Ids with those before them that the tokenizer begins texts with, unless they are there already. */
export const beginText = ({ bosIds = [] }: Tokenizer, ids: readonly number[]): number[] =>
  bosIds.every((id, i) => ids[i] === id) ? [...ids] : [...bosIds, ...ids]

/** The tokens of a stretch. Each END_MARK becomes the end-of-text id; control tokens that come from the data stay text. */
export const encodeText = (tokenizer: Tokenizer, text: string, before: Before = 'nothing'): number[] =>
  textParts(tokenizer, text, before).flatMap((part, i) => (i > 0 ? [tokenizer.eosId, ...part] : part))

/** The tokens between the ends of text. */
export const textParts = (tokenizer: Tokenizer, text: string, before: Before = 'nothing'): number[][] =>
  text.split(END_MARK).map((part, i) => encodeMarked(tokenizer, part, i > 0 ? 'token' : before))

/** What a text stands after that follows these ids. */
export function placeAfter(
  { special }: Tokenizer,
  ids: readonly number[],
  before: Before = 'nothing',
): Before {
  const last = ids.at(-1)
  if (last === undefined) return before
  return [...special.values()].includes(last) ? 'token' : 'text'
}
