/**
 * Text from someone else to ids, whatever special tokens are written out in it.
 * @module
 */
import { anyOf } from './cached_encoder.ts'
import type { AddedToken } from './tokenizer_json.ts'

type Encode = (text: string) => number[]

/**
 * An `encode` in which nothing is special.
 * @param special The special tokens.
 * @param encode What encodes a text without them.
 * @param build Makes the same for a vocabulary that has no special tokens; called where one is met.
 */
export function plainEncoder(special: readonly AddedToken[], encode: Encode, build: () => Encode): Encode {
  if (special.length === 0) return encode
  const suspect = anyOf(
    special.map(({ content }) => content),
    'i',
  )
  let plain: Encode | undefined
  return (text) => {
    if (!suspect.test(text)) return encode(text)
    const found = (plain ??= build())(text)
    const written = special.filter(({ content }) => text.includes(content))
    if (!written.some(({ id }) => found.includes(id))) return found
    // The vocabulary itself holds the token as a piece of text, so that it must not see it whole.
    return text
      .split(suspect)
      .flatMap((part, i) => (i % 2 === 0 ? [part] : halves(part)))
      .flatMap((part) => (part === '' ? [] : plain!(part)))
  }
}

const halves = (text: string): string[] => [text.slice(0, text.length >> 1), text.slice(text.length >> 1)]
