/**
 * Texts to ids by way of pieces, such as words, with the ids of pieces already met kept at hand: words repeat, and looking one
 * up is some ten times faster than finding its tokens again.
 * @module
 */
import type { AddedToken } from './tokenizer_json.ts'

/** How a tokenizer cuts a text before its model finds tokens in the pieces. */
export interface Cutting {
  /** The text that is cut: another one where case or accents do not count. */
  readonly normalise: (text: string) => string
  /** The pieces of a normalised text. */
  readonly cut: (text: string) => readonly string[]
}

const mostPieces = 2 ** 16
const longestPiece = 64

/**
 * An `encode`. As in the tokenizers of transformers, added tokens are found in the text as it stands, or, where they are
 * `normalized`, in what normalising makes of the rest.
 *
 * @param encodePiece gives the ids of one piece
 */
export function cachedEncoder(
  { normalise, cut }: Cutting,
  added: readonly AddedToken[],
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
  const splitWritten = splitter(added.filter(({ normalized }) => !normalized))
  const splitNormalised = splitter(
    added
      .filter(({ normalized }) => normalized)
      .map((token) => ({ ...token, content: normalise(token.content) })),
  )
  return (text) => {
    const ids: number[] = []
    for (const written of splitWritten(text)) {
      if (typeof written === 'number') ids.push(written)
      else
        for (const part of splitNormalised(normalise(written))) {
          if (typeof part === 'number') ids.push(part)
          else for (const piece of cut(part)) for (const id of idsOf(piece)) ids.push(id)
        }
    }
    return ids
  }
}

/** Cuts a text at the tokens in it, of those that begin together at the longest: ids of tokens, and what lies between. */
function splitter(
  tokens: readonly Pick<AddedToken, 'content' | 'id'>[],
): (text: string) => (string | number)[] {
  const ids = new Map(tokens.map(({ content, id }) => [content, id]))
  ids.delete('')
  if (ids.size === 0) return (text) => (text === '' ? [] : [text])
  const pattern = anyOf([...ids.keys()])
  // What a pattern's group matches stands between what is left, at odd places.
  return (text) =>
    text
      .split(pattern)
      .map((part, i) => (i % 2 === 1 ? ids.get(part)! : part))
      .filter((part) => part !== '')
}

/** Matches any of the texts, the longest first, as a group, so that `split` keeps it. */
export function anyOf(texts: readonly string[], flags = ''): RegExp {
  const escaped = [...texts]
    .sort((a, b) => b.length - a.length)
    .map((text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'))
  return new RegExp(`(${escaped.join('|')})`, flags)
}
