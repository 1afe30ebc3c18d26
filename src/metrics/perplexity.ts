/**
 * Perplexity (Jelinek, Mercer, Bahl and Baker, 1977): the number of equally likely choices that would be as surprising.
 * @module
 */
import { UserError } from '../errors.ts'

/**
 * exp(Σ −log p / count), with `sumOfNll` = Σ −log p in nats. Count the predicted tokens for perplexity per token. Count
 * the words of the same text for perplexity per word, which compares models with different tokenizers.
 * A UserError when nothing was predicted.
 */
export function perplexity(sumOfNll: number, count: number): number {
  if (!(count > 0)) throw new UserError('perplexity: there is nothing to predict; give at least one text')
  return Math.exp(sumOfNll / count)
}

/** Perplexity per word of `texts`, whose tokens have the negative log-likelihood `sumOfNll` altogether. */
export function perplexityPerWord(sumOfNll: number, texts: readonly string[]): number {
  return perplexity(
    sumOfNll,
    texts.reduce((sum, text) => sum + countWords(text), 0),
  )
}

/** Words as language modelling counts them: what white space separates. */
export function countWords(text: string): number {
  return text.match(/\P{White_Space}+/gu)?.length ?? 0
}
