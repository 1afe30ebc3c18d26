/**
 * Metrics of texts as rewards: a response against the references of its prompt, 0 … 1.
 * @module
 */
import { UserError } from '../errors.ts'
import { sentenceBleu } from '../metrics/bleu.ts'
import { meteor } from '../metrics/meteor.ts'
import type { Rouge } from '../metrics/rouge.ts'
import { rouge } from '../metrics/rouge.ts'
import type { RewardSample } from './reward_sample.ts'
import { bareResponse, sampleName } from './reward_sample.ts'
import type { RewardMetric } from './reward_source.ts'

type Measure = (response: string, references: readonly string[]) => number

/** F-measure against the reference that it is best for. */
const bestRouge =
  (name: keyof Rouge): Measure =>
  (response, references) =>
    Math.max(...references.map((reference) => rouge(response, reference)[name].fmeasure))

const measures: Readonly<Record<RewardMetric, Measure>> = {
  rouge1: bestRouge('rouge1'),
  rouge2: bestRouge('rouge2'),
  rougeL: bestRouge('rougeL'),
  bleu: (response, references) => sentenceBleu(response, references).score / 100,
  /** With equal words and stems; synonyms are not looked up. */
  meteor: (response, references) => meteor(response, references),
  exact_match: (response, references) => (references.includes(response) ? 1 : 0),
}

/** @throws UserError where the sample has no reference */
export function scoreByMetric(metric: RewardMetric, sample: RewardSample): number {
  const { references } = sample
  if (references.length === 0)
    throw new UserError(
      `the metric ${metric} has nothing to compare ${sampleName(sample)} with; give every prompt an answer in the data, or choose another reward`,
    )
  return measures[metric](
    bareResponse(sample),
    references.map((text) => text.trim()),
  )
}
