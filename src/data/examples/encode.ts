/**
 * Text to tokens and labels.
 * Segments are tokenised apart and joined, so that a prompt has the same tokens here as when text is generated from it.
 * Labels are as in Hugging Face's language models: not shifted, −100 where a token carries no loss.
 * @module
 */
import type { Tokenizer } from '../../text/tokenizer.ts'
import { bertParts, bertSequence, cutSequence, isBertTokenizer, joinBertParts } from './bert_sequence.ts'
import { isBlank } from '../templates/end_of_text.ts'
import { beginText, encodeStretches, textParts } from './encode_stretches.ts'
import { keptLengths } from './longest_first.ts'
import { NoRoom } from './odd_rows.ts'
import type { RenderedPair } from '../templates/preference.ts'
import type { RenderedPrompt } from '../templates/prompt.ts'
import type { Rendered } from '../templates/template.ts'

/** The label of a token without loss. */
export const NO_LOSS = -100

export interface EncodedExample {
  readonly input_ids: Int32Array
  /**
   * Of a text to learn: as long as input_ids, the token itself where it carries loss, else NO_LOSS.
   * Classification: the class's index alone.
   */
  readonly labels: Int32Array
  /** Of a pair's rows, the same in both: by how much the preferred answer is to be better; 0 where nothing says. */
  readonly margin?: number
  /** Of an answer that is judged by itself: whether it is one to give. */
  readonly desirable?: boolean
}

export interface EncodeOptions {
  /** Most tokens of an example; a longer one is cut at its end. */
  readonly maxLength: number
  /** Most tokens that the model reads, which `maxLength` cannot be raised above. */
  readonly context?: number
  /** A prompt that leaves no room for a completion: an error, or left out and counted. By default an error. */
  readonly overlong?: 'error' | 'skip'
}

/** An example and how many of its tokens were cut. */
export interface WholeOrCut {
  readonly example: EncodedExample
  readonly cut: number
}

/**
 * An example, or of a pair the preferred answer's and the other's; or why there is none: nothing to learn, no room for it,
 * two answers that are the same, or a row that does not fit its template, with the sentence that says how.
 */
export type Encoded =
  | (WholeOrCut & { readonly rejected?: WholeOrCut })
  | { readonly example?: undefined; readonly leftOut: LeftOut; readonly reason?: string }

export const LEFT_OUT = ['empty', 'overlong', 'tie', 'odd'] as const
export type LeftOut = (typeof LEFT_OUT)[number]

const joinParts = (tokenizer: Tokenizer, parts: readonly (readonly number[])[]): number[] =>
  beginText(
    tokenizer,
    parts.flatMap((part, i) => (i > 0 ? [tokenizer.eosId, ...part] : part)),
  )

/** Tokens that a language model learns to predict: labelled, and not the first, which nothing precedes. */
export function countLabelled({ labels }: EncodedExample): number {
  let count = 0
  for (let t = 1; t < labels.length; t++) if (labels[t] !== NO_LOSS) count++
  return count
}

/** Tokens before the first that is labelled: all, where none is. */
export function promptLength({ labels }: EncodedExample): number {
  const first = labels.findIndex((label) => label !== NO_LOSS)
  return first < 0 ? labels.length : first
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
  options: EncodeOptions,
  where: string,
): Encoded {
  if (segments.some(({ text, learned }) => learned && isBlank(text))) return { leftOut: 'empty' }
  const encoded = encodeSegments(tokenizer, segments, options, where)
  return encoded.example && countLabelled(encoded.example) === 0 ? { leftOut: 'empty' } : encoded
}

/**
 * Encodes a pair, whole or not at all: one that has a blank answer, or after cutting twice the same one, is left out.
 *
 * @throws UserError as `encodeExample` does
 */
export function encodePair(
  tokenizer: Tokenizer,
  { prompt, chosen, rejected, margin }: RenderedPair,
  options: EncodeOptions,
  where: string,
): Encoded {
  if (isBlank(chosen) || isBlank(rejected)) return { leftOut: 'empty' }
  const given = prompt.map((text) => ({ text, learned: false }))
  const encode = (text: string): Encoded =>
    encodeExample(tokenizer, [...given, { text, learned: true }], options, where)
  const [preferred, other] = [encode(chosen), encode(rejected)]
  if (!preferred.example) return preferred
  if (!other.example) return other
  if (preferred.example.input_ids.join() === other.example.input_ids.join()) return { leftOut: 'tie' }
  return {
    example: { ...preferred.example, margin },
    cut: preferred.cut,
    rejected: { example: { ...other.example, margin }, cut: other.cut },
  }
}

/**
 * Encodes a prompt for a model to answer, and with labels the answer that is there to compare with, if any.
 *
 * @throws UserError where the prompt fills `maxLength` and `overlong` is 'error'
 */
export function encodePrompt(
  tokenizer: Tokenizer,
  { prompt, answer }: RenderedPrompt,
  options: EncodeOptions,
  where: string,
): Encoded {
  if (prompt.every(isBlank)) return { leftOut: 'empty' }
  const segments = prompt.map((text) => ({ text, learned: false }))
  const reference = answer === undefined || isBlank(answer) ? [] : [{ text: answer, learned: true }]
  return encodeSegments(tokenizer, [...segments, ...reference], options, where)
}

/** Encodes what is there, cut at its end, where that leaves something after the prompt. */
function encodeSegments(
  tokenizer: Tokenizer,
  segments: Rendered,
  { maxLength, context, overlong = 'error' }: EncodeOptions,
  where: string,
): Encoded {
  const { ids, labels } = joinSegments(tokenizer, segments)
  const learned = labels.findIndex((label) => label !== NO_LOSS)
  const given = learned < 0 ? ids.length : learned
  if (given >= maxLength) {
    if (overlong === 'skip') return { leftOut: 'overlong' }
    const remedy =
      context === undefined || maxLength < context ? 'shorten it, raise max_length,' : 'shorten it,'
    throw new NoRoom(
      `${where}: the prompt has ${given} tokens and leaves no room for a completion in ${maxLength}; ${remedy} or leave such rows out by overlong=skip`,
    )
  }
  const kept = cutSequence(tokenizer, ids, maxLength)
  const labelled = kept.map((id, i) => (labels[i] === NO_LOSS ? NO_LOSS : id))
  return { example: example(kept, labelled), cut: ids.length - kept.length }
}

/** The tokens of segments, end to end, and their labels; for a BERT those of the prompt and those of the answer as two parts. */
function joinSegments(tokenizer: Tokenizer, segments: Rendered): { ids: number[]; labels: number[] } {
  if (isBertTokenizer(tokenizer)) {
    const [prompt, answer] = [false, true].map((learned) => {
      const texts = segments.filter((segment) => segment.learned === learned).map(({ text }) => text)
      return texts.length > 0 ? bertSequence(tokenizer, texts.join('')) : []
    }) as [number[], number[]]
    const answered = answer.slice(1)
    return { ids: [...prompt, ...answered], labels: [...prompt.map(() => NO_LOSS), ...answered] }
  }
  const ids: number[] = []
  const labels: number[] = []
  const rows = encodeStretches(
    tokenizer,
    segments.map(({ text }) => text),
  )
  for (const [i, { learned }] of segments.entries()) {
    for (const id of rows[i]!) {
      ids.push(id)
      labels.push(learned ? id : NO_LOSS)
    }
  }
  return { ids, labels }
}

/**
 * The tokens of a rendered text that is read as a whole, at most `maxLength`, and how many were cut. Each END_MARK ends a
 * part, and of several parts the longest are cut first, so that none is lost to another.
 */
export function encodeSequence(
  tokenizer: Tokenizer,
  text: string,
  maxLength: number,
): { readonly ids: readonly number[]; readonly cut: number } {
  const parts = isBertTokenizer(tokenizer) ? bertParts(tokenizer, text) : textParts(tokenizer, text)
  const join = (parts: readonly (readonly number[])[]): number[] =>
    isBertTokenizer(tokenizer) ? joinBertParts(tokenizer, parts) : joinParts(tokenizer, parts)
  const all = join(parts)
  if (all.length <= maxLength) return { ids: all, cut: 0 }
  const ends = all.length - parts.flat().length
  const kept = keptLengths(
    parts.map(({ length }) => length),
    maxLength - ends,
  )
  const ids =
    ends < maxLength
      ? join(parts.map((part, i) => part.slice(0, kept[i])))
      : cutSequence(tokenizer, all, maxLength)
  return { ids, cut: all.length - ids.length }
}

/** Encodes a text and its class's index; what is longer is cut as `encodeSequence` does. */
export function encodeLabelled(
  tokenizer: Tokenizer,
  text: string,
  index: number,
  maxLength: number,
): Encoded {
  const { ids, cut } = encodeSequence(tokenizer, text, maxLength)
  return { example: example(ids, [index]), cut }
}

const example = (ids: readonly number[], labels: readonly number[]): EncodedExample => ({
  input_ids: Int32Array.from(ids),
  labels: Int32Array.from(labels),
})
