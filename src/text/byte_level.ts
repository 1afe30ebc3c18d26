/**
 * GPT-2's way of cutting text into pieces before byte-level BPE, with the ids of pieces already met kept at hand: words
 * repeat, and looking one up is some ten times faster than merging it again.
 *
 * In the reference implementations white space is Unicode's property White_Space. JavaScript's `\s` also matches U+FEFF
 * and not U+0085, hence the property's name in the pattern.
 * @module
 */
import type { TokenizerJson } from './tokenizer_json.ts'

/** GPT-2's only special token: it ends a text. */
export const endOfText = '<|endoftext|>'

/** Contractions; a word, a number or other signs, each with the blank before it; white space. Radford et al. 2019. */
const pattern =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu

const mostPieces = 2 ** 16
const longestPiece = 64

/** Whether the tokenizer cuts text as GPT-2 does, and treats its added tokens as plain text to be found. */
export function isGpt2Like({ normalizer, pre_tokenizer, model, added_tokens }: TokenizerJson): boolean {
  return (
    model.type === 'BPE' &&
    normalizer === null &&
    pre_tokenizer?.type === 'ByteLevel' &&
    pre_tokenizer['use_regex'] !== false &&
    pre_tokenizer['add_prefix_space'] === false &&
    added_tokens.every(({ single_word, lstrip, rstrip }) => !single_word && !lstrip && !rstrip)
  )
}

/**
 * An `encode` for such a tokenizer.
 * @param added The added tokens, by their text.
 * @param encodePiece Gives the ids of one piece.
 */
export function cachedEncoder(
  added: ReadonlyMap<string, number>,
  encodePiece: (piece: string) => readonly number[],
): (text: string) => number[] {
  const known = new Map<string, readonly number[]>()
  const idsOf = (piece: string) => {
    const found = known.get(piece)
    if (found) return found
    const ids = encodePiece(piece)
    if (known.size >= mostPieces) known.clear()
    if (piece.length <= longestPiece) known.set(piece, ids)
    return ids
  }
  const separator = anyOf([...added.keys()])
  return (text) => {
    const ids: number[] = []
    for (const part of separator ? text.split(separator) : [text]) {
      const special = added.get(part)
      if (special !== undefined) ids.push(special)
      else for (const piece of part.match(pattern) ?? []) for (const id of idsOf(piece)) ids.push(id)
    }
    return ids
  }
}

/** Matches any of the texts, the longest first, as a group, so that `split` keeps it. */
function anyOf(texts: readonly string[]): RegExp | undefined {
  if (texts.length === 0) return undefined
  const escaped = [...texts]
    .sort((a, b) => b.length - a.length)
    .map((text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'))
  return new RegExp(`(${escaped.join('|')})`)
}
