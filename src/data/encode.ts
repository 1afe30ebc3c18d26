/**
 * Text to tokens and labels.
 * Segments are tokenised apart and joined, so that a prompt has the same tokens here as when text is generated from it.
 * Labels are as in Hugging Face's causal models: not shifted, −100 where a token carries no loss.
 * @module
 */
import { UserError } from '../errors.ts'
import type { Tokenizer } from '../text/tokenizer.ts'
import { END_MARK, END_OF_TEXT, isBlank } from './end_of_text.ts'
import type { Rendered } from './template.ts'

/** The label of a token without loss. */
export const NO_LOSS = -100

export interface EncodedExample {
  readonly input_ids: Int32Array
  /**
   * Causal: as long as input_ids, the token itself where it carries loss, else NO_LOSS.
   * Classification: the class's index alone.
   */
  readonly labels: Int32Array
}

export interface EncodeOptions {
  /** Most tokens of an example; a longer one is cut at its end. */
  readonly maxLength: number
  /** A prompt that leaves no room for a completion: an error, or left out and counted. By default an error. */
  readonly overlong?: 'error' | 'skip'
}

/** An example and how many of its tokens were cut; or why there is none: nothing to learn, or no room for it. */
export type Encoded =
  | { readonly example: EncodedExample; readonly cut: number }
  | { readonly example?: undefined; readonly leftOut: 'empty' | 'overlong' }

/**
 * The tokens of rendered text. Each END_MARK becomes the end-of-text id; an "<|endoftext|>" that comes from the data
 * stays text, because the tokenizer never sees it whole.
 */
export function encodeText(tokenizer: Tokenizer, text: string): number[] {
  const middle = END_OF_TEXT.length >> 1
  return text.split(END_MARK).flatMap((piece, i) => {
    const pieces = piece.split(END_OF_TEXT).map((part, j, { length }) => {
      const before = j > 0 ? END_OF_TEXT.slice(middle) : ''
      const after = j < length - 1 ? END_OF_TEXT.slice(0, middle) : ''
      return before + part + after
    })
    const ids = pieces.flatMap((part) => (part === '' ? [] : tokenizer.encode(part)))
    return i > 0 ? [tokenizer.eosId, ...ids] : ids
  })
}

/** Tokens that a causal model learns to predict: labelled, and not the first, which nothing precedes. */
export function countLabelled({ labels }: EncodedExample): number {
  let count = 0
  for (let t = 1; t < labels.length; t++) if (labels[t] !== NO_LOSS) count++
  return count
}

/**
 * Encodes one rendered example; loss on its learned segments only. It is left out where one of those is blank: an empty
 * completion or reply would teach to say nothing.
 *
 * @param where names the row in errors
 * @throws UserError where what precedes the first learned segment fills `maxLength` and `overlong` is 'error'
 */
export function encodeExample(
  tokenizer: Tokenizer,
  segments: Rendered,
  { maxLength, overlong = 'error' }: EncodeOptions,
  where: string,
): Encoded {
  if (segments.some(({ text, learned }) => learned && isBlank(text))) return { leftOut: 'empty' }
  const ids: number[] = []
  const labels: number[] = []
  for (const { text, learned } of segments) {
    for (const id of encodeText(tokenizer, text)) {
      ids.push(id)
      labels.push(learned ? id : NO_LOSS)
    }
  }
  const given = labels.findIndex((label) => label !== NO_LOSS)
  if (given >= maxLength) {
    if (overlong === 'skip') return { leftOut: 'overlong' }
    throw new UserError(
      `${where}: the prompt has ${given} tokens and leaves no room for a completion in ${maxLength}; shorten it, raise max_length, or leave such rows out by overlong=skip`,
    )
  }
  const example = cutExample(ids, labels, maxLength)
  if (countLabelled(example) === 0) return { leftOut: 'empty' }
  return { example, cut: Math.max(0, ids.length - maxLength) }
}

/** Encodes a text and its class's index; a longer text is cut at its end. */
export function encodeLabelled(tokenizer: Tokenizer, text: string, index: number, maxLength: number): Encoded {
  const ids = encodeText(tokenizer, text)
  return { example: cutExample(ids, [index], maxLength), cut: Math.max(0, ids.length - maxLength) }
}

const cutExample = (ids: readonly number[], labels: readonly number[], most: number): EncodedExample => ({
  input_ids: Int32Array.from(ids.slice(0, most)),
  labels: Int32Array.from(labels.slice(0, most)),
})
