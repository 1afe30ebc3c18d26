/**
 * distinct-n of Li, Galley, Brockett, Gao and Dolan (2016): how varied generated texts are.
 * @module
 */
import { countNgrams } from './ngrams.ts'
import { splitWords } from './words.ts'

/**
 * Different n-grams of all texts together / all their words, 0 … 1. As in the paper, the divisor counts words for every
 * n. An n-gram lies in one text. Without any word: 0.
 */
export function distinctN(texts: readonly string[], n: number): number {
  const seen = new Set<string>()
  let words = 0
  for (const text of texts) {
    const tokens = splitWords(text)
    words += tokens.length
    for (const ngram of countNgrams(tokens, n).keys()) seen.add(ngram)
  }
  return words === 0 ? 0 : seen.size / words
}
