/**
 * How byte-level BPE cuts text into pieces: GPT-2's way, and those of Llama 3, Qwen and SmolLM.
 *
 * In the reference implementations white space is Unicode's property White_Space. JavaScript's `\s` also matches U+FEFF
 * and not U+0085, hence the property's name in the patterns.
 * @module
 */
import type { Cutting } from './cached_encoder.ts'
import type { Step, TokenizerJson } from './tokenizer_json.ts'

/** GPT-2's only special token: it ends a text. */
export const endOfText = '<|endoftext|>'

/** Contractions; a word, a number or other signs, each with the blank before it; white space. Radford et al. 2019. */
const GPT2 =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu

/** The same where each digit stands by itself. */
const DIGITS = /\p{N}|\P{N}+/gu

/** Contractions in any case; a word with one sign before it; numbers; signs with ends of line; white space. */
const signs = (numbers: string): RegExp =>
  new RegExp(
    String.raw`'(?:[sSſ]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|${numbers}| ?[^\p{White_Space}\p{L}\p{N}]+[\r\n]*|\p{White_Space}*[\r\n]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+`,
    'gu',
  )

/** Patterns as files have them, with what they are here. */
const KNOWN: ReadonlyMap<unknown, RegExp> = new Map(
  [String.raw`\p{N}{1,3}`, String.raw`\p{N}`].map((numbers) => [
    String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|${numbers}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
    signs(numbers),
  ]),
)

/** The cutting of a tokenizer that cuts as one of these does; undefined where it does not. */
export function byteLevelCutting({ normalizer, pre_tokenizer, model }: TokenizerJson): Cutting | undefined {
  if (model.type !== 'BPE' || !pre_tokenizer || !(normalizer === null || normalizer.type === 'NFC'))
    return undefined
  const cut = pre_tokenizer.type === 'Sequence' ? cutBySteps(pre_tokenizer) : cutAtOnce(pre_tokenizer)
  return cut && { normalise: (text) => (normalizer === null ? text : text.normalize('NFC')), cut }
}

const usesPattern = ({ type, use_regex }: Step): boolean => type === 'ByteLevel' && use_regex !== false

function cutAtOnce(step: Step): Cutting['cut'] | undefined {
  if (!usesPattern(step)) return undefined
  const prefixed = step['add_prefix_space'] === true
  return (text) => (prefixed && !text.startsWith(' ') ? ` ${text}` : text).match(GPT2) ?? []
}

/** Of `[Digits, ByteLevel]`, or `[Split, ByteLevel]` with a pattern that is known. */
function cutBySteps({
  pretokenizers = [],
}: NonNullable<TokenizerJson['pre_tokenizer']>): Cutting['cut'] | undefined {
  const [first, bytes, ...others] = pretokenizers
  if (!first || bytes?.type !== 'ByteLevel' || others.length > 0 || bytes['add_prefix_space'] === true)
    return undefined
  if (first.type === 'Digits' && first['individual_digits'] === true && usesPattern(bytes))
    return (text) => (text.match(DIGITS) ?? []).flatMap((part) => part.match(GPT2) ?? [])
  const { pattern, behavior, invert } = first as {
    pattern?: { Regex?: unknown }
    behavior?: unknown
    invert?: unknown
  }
  const known = KNOWN.get(pattern?.Regex)
  if (first.type !== 'Split' || behavior !== 'Isolated' || invert === true || usesPattern(bytes) || !known)
    return undefined
  return (text) => text.match(known) ?? []
}
