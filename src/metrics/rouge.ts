/**
 * ROUGE-1, ROUGE-2 and ROUGE-L of Lin (2004), equal to Google's Python package rouge-score.
 *
 * Tokens are runs of ASCII letters and digits in lower case: an accented letter splits its word, and a text in another
 * script has no tokens and scores 0.
 * @module
 */
import { countCommon, countNgrams } from './ngrams.ts'
import { porterStem } from './porter_stemmer.ts'

export interface RougeScore {
  readonly precision: number
  readonly recall: number
  readonly fmeasure: number
}

/** Each 0 … 1. */
export interface Rouge {
  /** Single words in common. */
  readonly rouge1: RougeScore
  /** Pairs of neighbouring words in common. */
  readonly rouge2: RougeScore
  /** The longest common subsequence. */
  readonly rougeL: RougeScore
}

/** Compares a text with its reference. `stemmer`: words of four letters and more count by their Porter stem. */
export function rouge(hypothesis: string, reference: string, options: { stemmer?: boolean } = {}): Rouge {
  const generated = tokenize(hypothesis, options.stemmer ?? false)
  const wanted = tokenize(reference, options.stemmer ?? false)
  const overlap = (n: number) => {
    const common = countCommon(countNgrams(generated, n), countNgrams(wanted, n))
    return toScore(common, generated.length - n + 1, wanted.length - n + 1)
  }
  const longest = longestCommonSubsequence(generated, wanted)
  return {
    rouge1: overlap(1),
    rouge2: overlap(2),
    rougeL: toScore(longest, generated.length, wanted.length),
  }
}

function tokenize(text: string, stemmer: boolean): string[] {
  const tokens = text.toLowerCase().match(/[a-z0-9]+/g) ?? []
  return stemmer ? tokens.map((token) => (token.length > 3 ? porterStem(token) : token)) : tokens
}

/** P = common/generated, R = common/wanted, F = 2·P·R/(P + R); 0 where there is nothing to divide by. */
function toScore(common: number, generated: number, wanted: number): RougeScore {
  const precision = common / Math.max(generated, 1)
  const recall = common / Math.max(wanted, 1)
  const fmeasure = common === 0 ? 0 : (2 * precision * recall) / (precision + recall)
  return { precision, recall, fmeasure }
}

/** The length of the longest sequence that is left of both when words are struck out; O(|a|·|b|) time, O(|b|) memory. */
function longestCommonSubsequence(a: readonly string[], b: readonly string[]): number {
  let above = new Uint32Array(b.length + 1)
  for (const word of a) {
    // row[j + 1]: for the words of a so far and b[0 … j]
    const row = new Uint32Array(b.length + 1)
    for (let j = 0; j < b.length; j++)
      row[j + 1] = word === b[j] ? above[j]! + 1 : Math.max(above[j + 1]!, row[j]!)
    above = row
  }
  return above[b.length]!
}
