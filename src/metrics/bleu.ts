/**
 * BLEU of Papineni, Roukos, Ward and Zhu (2002), with the tokenisation and conventions of sacrebleu (Post, 2018), and
 * the smoothings that Chen and Cherry (2014) compare. Equal to sacrebleu 2.
 * @module
 */
import { BLEU_TOKENIZERS } from './bleu_tokenizers.ts'
import type { BleuTokenizer } from './bleu_tokenizers.ts'
import { checkPairs } from './check_pairs.ts'
import { countCommon, countNgrams } from './ngrams.ts'

export interface BleuOptions {
  /** '13a' (default), 'none' (split at white space only) or 'char'. */
  readonly tokenizer?: BleuTokenizer
  readonly lowercase?: boolean
  /** What stands for a precision of 0: 'exp' (default) 1/2, 1/4, … of a match; 'floor' 0.1; 'add-k' 1 more of each. */
  readonly smoothing?: 'exp' | 'floor' | 'add-k' | 'none'
  /** Leave out the orders that the hypotheses are too short for, instead of scoring 0. Default: false. */
  readonly effectiveOrder?: boolean
}

export interface Bleu {
  /** 0 … 100. */
  readonly score: number
  /** Of the 1-grams to the 4-grams, 0 … 100, smoothed. */
  readonly precisions: readonly number[]
  readonly brevity_penalty: number
  /** Tokens in the hypotheses. */
  readonly hypothesis_length: number
  /** Tokens in the references, for each hypothesis in the one nearest in length. */
  readonly reference_length: number
}

const ORDERS = [1, 2, 3, 4]
const FLOOR = 0.1
const ADDED = 1

interface Statistics {
  /** By order: n-grams of the hypotheses, and how many of them a reference has. */
  readonly totals: number[]
  readonly matches: number[]
  hypothesisLength: number
  referenceLength: number
}

/**
 * BLEU of a corpus: the n-grams of all pairs are counted together. `references[i]` are those of `hypotheses[i]`.
 * Texts without any common word score 0, also two empty ones. A UserError without hypotheses or references.
 */
export function bleu(
  hypotheses: readonly string[],
  references: readonly (readonly string[])[],
  options: BleuOptions = {},
): Bleu {
  checkPairs('BLEU', hypotheses, references)
  const { tokenizer = '13a', lowercase = false } = options
  const tokenize = (text: string) => BLEU_TOKENIZERS[tokenizer](lowercase ? text.toLowerCase() : text)
  const sums: Statistics = {
    totals: ORDERS.map(() => 0),
    matches: ORDERS.map(() => 0),
    hypothesisLength: 0,
    referenceLength: 0,
  }
  for (const [i, hypothesis] of hypotheses.entries())
    addPair(sums, tokenize(hypothesis), references[i]!.map(tokenize))
  return score(sums, options)
}

/** BLEU of one text, by default with the effective order, as sacrebleu's `sentence_bleu`. */
export function sentenceBleu(
  hypothesis: string,
  references: readonly string[],
  options: BleuOptions = {},
): Bleu {
  return bleu([hypothesis], [references], { effectiveOrder: true, ...options })
}

/** An n-gram counts as matched at most as often as in the reference that has it most often. */
function addPair(
  sums: Statistics,
  hypothesis: readonly string[],
  references: readonly (readonly string[])[],
): void {
  for (const [order, n] of ORDERS.entries()) {
    const most = new Map<string, number>()
    for (const reference of references)
      for (const [ngram, count] of countNgrams(reference, n))
        most.set(ngram, Math.max(count, most.get(ngram) ?? 0))
    sums.totals[order]! += Math.max(hypothesis.length - n + 1, 0)
    sums.matches[order]! += countCommon(countNgrams(hypothesis, n), most)
  }
  sums.hypothesisLength += hypothesis.length
  sums.referenceLength += nearestLength(
    hypothesis.length,
    references.map((reference) => reference.length),
  )
}

/** Of two lengths equally near, the shorter. */
function nearestLength(length: number, candidates: readonly number[]): number {
  const distance = (candidate: number) => Math.abs(candidate - length)
  return candidates.reduce((best, candidate) => {
    const difference = distance(candidate) - distance(best)
    return difference < 0 || (difference === 0 && candidate < best) ? candidate : best
  })
}

function score({ totals, matches, ...lengths }: Statistics, options: BleuOptions): Bleu {
  const { smoothing = 'exp', effectiveOrder = false } = options
  const { hypothesisLength, referenceLength } = lengths
  // BP = 1 if c ≥ r, else exp(1 − r/c): c the hypotheses' length, r the references'.
  let penalty = 1
  if (hypothesisLength < referenceLength)
    penalty = hypothesisLength === 0 ? 0 : Math.exp(1 - referenceLength / hypothesisLength)

  const precisions = ORDERS.map(() => 0)
  const result = (value: number): Bleu => ({
    score: value,
    precisions,
    brevity_penalty: penalty,
    hypothesis_length: hypothesisLength,
    reference_length: referenceLength,
  })
  if (matches.every((count) => count === 0)) return result(0)

  let orders = ORDERS.length
  let credit = 1
  for (const [order, n] of ORDERS.entries()) {
    const added = smoothing === 'add-k' && n > 1 ? ADDED : 0
    const total = totals[order]! + added
    if (total === 0) break
    if (effectiveOrder) orders = n
    let matched = matches[order]! + added
    if (matched === 0 && smoothing === 'exp') {
      credit /= 2
      matched = credit
    }
    if (matched === 0 && smoothing === 'floor') matched = FLOOR
    precisions[order] = (100 * matched) / total
  }
  // BLEU = BP · exp(1/N · Σ log pₙ)
  const logs = precisions.slice(0, orders).map(Math.log)
  return result(penalty * Math.exp(logs.reduce((sum, log) => sum + log, 0) / orders))
}
