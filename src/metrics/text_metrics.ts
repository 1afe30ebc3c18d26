/**
 * The table that judges generated texts by their references.
 * @module
 */
import { bleu } from './bleu.ts'
import { checkPairs } from './check_pairs.ts'
import { distinctN } from './distinct.ts'
import { meteor } from './meteor.ts'
import { rouge } from './rouge.ts'
import type { Synonyms } from './synonyms.ts'
import { splitWords } from './words.ts'

export interface TextMetrics {
  /** Of the corpus, 0 … 100. */
  readonly bleu: number
  /** F-measures without stemming, 0 … 1: the mean over the texts of the best reference's. */
  readonly rouge1: number
  readonly rouge2: number
  readonly rougeL: number
  /** 0 … 1, mean over the texts. */
  readonly meteor: number
  /** Of the hypotheses, 0 … 1. */
  readonly distinct1: number
  readonly distinct2: number
  /** Words and punctuation marks in a hypothesis. */
  readonly mean_length: number
}

/**
 * Judges `hypotheses`; `references[i]` are those of `hypotheses[i]`. Without `synonyms` (see `openWordNet`) METEOR
 * matches words and stems only. A UserError without hypotheses or references.
 */
export function textMetrics(
  hypotheses: readonly string[],
  references: readonly (readonly string[])[],
  options: { synonyms?: Synonyms } = {},
): TextMetrics {
  checkPairs('text metrics', hypotheses, references)
  const mean = (measure: (hypothesis: string, references: readonly string[]) => number) =>
    hypotheses.reduce((sum, hypothesis, i) => sum + measure(hypothesis, references[i]!), 0) /
    hypotheses.length
  const overlaps = hypotheses.map((hypothesis, i) => references[i]!.map((text) => rouge(hypothesis, text)))
  const meanRouge = (name: 'rouge1' | 'rouge2' | 'rougeL') =>
    overlaps.reduce((sum, scores) => sum + Math.max(...scores.map((score) => score[name].fmeasure)), 0) /
    hypotheses.length
  return {
    bleu: bleu(hypotheses, references).score,
    rouge1: meanRouge('rouge1'),
    rouge2: meanRouge('rouge2'),
    rougeL: meanRouge('rougeL'),
    meteor: mean((hypothesis, texts) => meteor(hypothesis, texts, options)),
    distinct1: distinctN(hypotheses, 1),
    distinct2: distinctN(hypotheses, 2),
    mean_length: mean((hypothesis) => splitWords(hypothesis).length),
  }
}
