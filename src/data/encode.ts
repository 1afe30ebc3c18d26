/**
 * Text to tokens and labels.
 * Prompt and completion are tokenised apart and joined, so that a prompt has the same tokens here as when text is
 * generated from it. Labels are as in Hugging Face's causal models: not shifted, −100 where a token carries no loss.
 * @module
 */
import { UserError } from '../errors.ts'
import type { Tokenizer } from '../text/tokenizer.ts'
import { END_MARK, END_OF_TEXT } from './template.ts'
import type { Rendered } from './template.ts'

/** The label of a token without loss. */
export const NO_LOSS = -100

export interface EncodedExample {
  readonly input_ids: Int32Array
  /** As long as input_ids: the token itself where it carries loss, else NO_LOSS. */
  readonly labels: Int32Array
}

export interface EncodeOptions {
  /** Most tokens of an example; a longer completion is cut at its end. */
  readonly maxLength: number
  /** A prompt that leaves no room for a completion: an error, or left out and counted. By default an error. */
  readonly overlong?: 'error' | 'skip'
}

export interface Encoded {
  /** Undefined where the row is left out: its prompt is too long, or it has no token to learn. */
  readonly example: EncodedExample | undefined
  readonly truncated: boolean
}

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
 * Encodes one rendered row; loss on the completion and its end of text only.
 *
 * @param where names the row in errors
 * @throws UserError where the prompt alone fills `maxLength` and `overlong` is 'error'
 */
export function encodeExample(
  tokenizer: Tokenizer,
  { prompt, completion }: Rendered,
  { maxLength, overlong = 'error' }: EncodeOptions,
  where: string,
): Encoded {
  const promptIds = encodeText(tokenizer, prompt)
  if (promptIds.length >= maxLength) {
    if (overlong === 'skip') return { example: undefined, truncated: false }
    throw new UserError(
      `${where}: the prompt has ${promptIds.length} tokens and leaves no room for a completion in ${maxLength}; shorten it, raise the maximum length, or skip such rows`,
    )
  }
  const completionIds = encodeText(tokenizer, completion)
  const ids = [...promptIds, ...completionIds]
  const input_ids = Int32Array.from(ids.length > maxLength ? ids.slice(0, maxLength) : ids)
  const labels = input_ids.slice().fill(NO_LOSS, 0, promptIds.length)
  const example = { input_ids, labels }
  return { example: countLabelled(example) > 0 ? example : undefined, truncated: ids.length > maxLength }
}
