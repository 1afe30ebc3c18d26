/**
 * How a fact is asked for, and how it is taught.
 * @module
 */
import type { EncodedExample } from '../../src/data/examples/encode.ts'
import { NO_LOSS } from '../../src/data/examples/encode.ts'
import { encodeText } from '../../src/data/examples/encode_stretches.ts'
import { END_MARK } from '../../src/data/templates/end_of_text.ts'
import type { Tokenizer } from '../../src/text/tokenizer.ts'
import type { Fact } from './facts.ts'

/** The form that the pocket model was trained on, and facts are taught in. */
export const prompt = ({ word, partOfSpeech }: Fact): string => `${word} (${partOfSpeech}):`

/** Other ways to ask, in which nothing is taught. */
export const PARAPHRASES: readonly ((fact: Fact) => string)[] = [
  ({ word, partOfSpeech }) => `The ${partOfSpeech} ${word} means`,
  ({ word }) => `Word: ${word} ; Definition:`,
  ({ word, partOfSpeech }) => `${word}, ${/^[aeiou]/.test(partOfSpeech) ? 'an' : 'a'} ${partOfSpeech}, is`,
]

export const answer = ({ definition }: Fact): string => ` ${definition}${END_MARK}`

/** A fact's text. */
export const text = (fact: Fact): string => prompt(fact) + answer(fact)

/**
 * A fact before the question about it, in the form of several, chosen on validation facts, that helps the pocket model most: it was
 * trained on single lines, and what it is taught with, put there as it is, makes the answer less likely.
 */
export const inContext = ({ definition }: Fact): string => `${definition}; `

/** Token ids of what is asked, and of what is to follow, of which alone the likelihood counts. */
export function asExample(tokenizer: Tokenizer, asked: string, answered: string): EncodedExample {
  return joined(encodeText(tokenizer, asked), encodeText(tokenizer, answered))
}

/** The same of token ids. */
export const joined = (asked: readonly number[], answered: readonly number[]): EncodedExample => ({
  input_ids: Int32Array.from([...asked, ...answered]),
  labels: Int32Array.from([...asked.map(() => NO_LOSS), ...answered]),
})
