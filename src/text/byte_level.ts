/**
 * GPT-2's way of cutting text into pieces before byte-level BPE.
 *
 * In the reference implementations white space is Unicode's property White_Space. JavaScript's `\s` also matches U+FEFF
 * and not U+0085, hence the property's name in the pattern.
 * @module
 */
import type { Cutting } from './cached_encoder.ts'
import type { TokenizerJson } from './tokenizer_json.ts'

/** GPT-2's only special token: it ends a text. */
export const endOfText = '<|endoftext|>'

/** Contractions; a word, a number or other signs, each with the blank before it; white space. Radford et al. 2019. */
const pattern =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu

/** The cutting of a tokenizer that cuts as GPT-2 does; undefined where it does not. */
export function byteLevelCutting({ normalizer, pre_tokenizer, model }: TokenizerJson): Cutting | undefined {
  const is =
    model.type === 'BPE' &&
    normalizer === null &&
    pre_tokenizer?.type === 'ByteLevel' &&
    pre_tokenizer['use_regex'] !== false
  if (!is) return undefined
  const prefixed = pre_tokenizer['add_prefix_space'] === true
  return {
    normalise: (text) => text,
    cut: (text) => (prefixed && !text.startsWith(' ') ? ` ${text}` : text).match(pattern) ?? [],
  }
}
