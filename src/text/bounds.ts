/**
 * What keeps a tokenizer that nobody vouches for, and texts without end, from taking all time and memory.
 * @module
 */
import { UserError } from '../errors.ts'
import type { TokenizerJson } from './tokenizer_json.ts'

/** Longest text. It has more tokens than any model here reads at once. */
export const MOST_CHARACTERS = 1_000_000

/** Longest stretch that byte pairs are merged in, or that is cut by patterns of the tokenizer's own. */
const MOST_AT_ONCE = 200_000

/** What a normalizer may make of one character, all its steps together. */
const MOST_GROWTH = 1000

/** Characters of all added tokens, which are looked for at once, and of one; no token that a model learns is near it. */
const [MOST_ADDED, LONGEST_ADDED] = [1_000_000, 10_000]

/** How many there may be; tokenizers have some thousand at most. */
const MOST_ADDED_TOKENS = 20_000

/** @throws UserError where a text is too long to be cut into tokens */
export function checkLength(text: string, most = MOST_CHARACTERS): void {
  if (text.length <= most) return
  const stretch = most < MOST_CHARACTERS ? ' in one stretch' : ''
  throw new UserError(
    `a text of ${text.length} characters${stretch}, which begins with ${JSON.stringify(text.slice(0, 20))}, is longer than the ${most} that are cut into tokens; shorten it, or divide it`,
  )
}

/** The same for what is given to the model at once; WordPiece gives long words up by itself. */
export const checkStretch = (text: string, { model }: TokenizerJson): void =>
  checkLength(text, model.type === 'WordPiece' ? MOST_CHARACTERS : MOST_AT_ONCE)

/** A part of a `tokenizer.json`, which may consist of others. */
interface Component {
  readonly type?: unknown
  readonly [key: string]: unknown
}

/** The parts that texts go through, those of sequences one by one. */
const componentsOf = (component: unknown): Component[] => {
  if (typeof component !== 'object' || component === null) return []
  const inner = ['normalizers', 'pretokenizers', 'decoders'].flatMap(
    (key) => (component as Component)[key] ?? [],
  )
  return [component as Component, ...inner.flatMap(componentsOf)]
}

/** Whether texts meet regular expressions out of the file, which may backtrack for ever. */
export const hasPatterns = ({ normalizer, pre_tokenizer, decoder }: TokenizerJson): boolean =>
  [normalizer, pre_tokenizer, decoder].flatMap(componentsOf).some(({ pattern }) => {
    return typeof pattern === 'object' && pattern !== null && 'Regex' in pattern
  })

/** @throws UserError where a part would never end, or would make texts grow beyond measure */
export function checkComponents(description: TokenizerJson, where: string): void {
  const { normalizer, pre_tokenizer, decoder, model } = description
  const refuse = (what: string) => {
    throw new UserError(`${where}: ${what}; use the tokenizer that the model was published with`)
  }
  const components = [normalizer, pre_tokenizer, decoder].flatMap(componentsOf)
  let growth = 1
  for (const { type, length, content, prepend } of components) {
    if (type === 'FixedLength' && !(Number.isInteger(length) && Number(length) >= 1))
      refuse('a pre-tokenizer of type FixedLength needs a length of at least 1')
    for (const text of [content, prepend]) if (typeof text === 'string') growth *= Math.max(1, text.length)
  }
  if (growth > MOST_GROWTH) refuse('its replacements make texts grow beyond measure')
  const added = description.added_tokens.map(({ content }) => content.length)
  if (
    added.some((length) => length > LONGEST_ADDED) ||
    added.reduce((sum, length) => sum + length, 0) > MOST_ADDED
  )
    refuse('its added tokens are too long to be looked for in texts')
  if (added.length > MOST_ADDED_TOKENS) refuse('its added tokens are too many to be looked for in texts')
  const longest = model['max_input_chars_per_word'] ?? 100
  if (!(Number.isInteger(longest) && Number(longest) >= 0 && Number(longest) <= 1000))
    refuse('model.max_input_chars_per_word is none of 0 … 1000')
}
