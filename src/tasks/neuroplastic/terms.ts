/**
 * The terms of neuro-plastic fine-tuning and what they weigh:
 *
 *     total = CE + λ(step)·R,   λ(step) = lambda_reward·(1 − step/steps)
 *     R = α·length + β·semantic + γ·entropy + δ·reference + reward_weight·reward
 *
 * The graph has the semantic and the entropy term, with their derivatives. The others are costs of whole responses, which have none.
 * @module
 */
import type { Response } from '../../learning/rollouts.ts'
import { scoreResponses } from '../../learning/rollouts.ts'
import type { RewardFunction } from '../../rewards/reward_function.ts'
import { scoreByMetric } from '../../rewards/reward_metrics.ts'
import type { NeuroplasticOptions } from './options.ts'

/** Terms of what the model writes; see {@link sampledCosts}. */
export const SAMPLED_TERMS = ['length', 'reference', 'reward'] as const
export type SampledTerm = (typeof SAMPLED_TERMS)[number]

export const TERMS = ['length', 'semantic', 'entropy', 'reference', 'reward'] as const
export type Term = (typeof TERMS)[number]

/** What each term weighs in R; 0 leaves it out. */
export const termWeights = (options: NeuroplasticOptions): Readonly<Record<Term, number>> => ({
  length: options.alpha,
  semantic: options.beta_sem,
  entropy: options.gamma_div,
  reference: options.delta_ref,
  reward: options.reward ? options.reward_weight : 0,
})

/** @param done steps that were taken before */
export const lambdaOf = (
  { lambda_reward }: Pick<NeuroplasticOptions, 'lambda_reward'>,
  done: number,
  steps: number,
): number => lambda_reward * Math.max(0, 1 - done / steps)

/** Beyond it a response costs no more for its length. */
const LONGEST_COST = 20

/** min(softplus(tokens − target), 20), softplus(x) = log(1 + eˣ). */
export function lengthCost(tokens: number, target: number): number {
  const x = tokens - target
  return Math.min(Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), LONGEST_COST)
}

/** 1 − ½·BLEU − ½·METEOR from both, each 0 … 1. */
export const referenceCost = ({ bleu, meteor }: Overlap): number => 1 - 0.5 * bleu - 0.5 * meteor

export interface Overlap {
  readonly bleu: number
  readonly meteor: number
}

/** BLEU and METEOR of a response against the best of its prompt's references; undefined where there are none. */
export function overlap({ prompt, text }: Response): Overlap | undefined {
  if (prompt.references.length === 0) return undefined
  const sample = { prompt: prompt.text, response: text, references: prompt.references }
  return { bleu: scoreByMetric('bleu', sample), meteor: scoreByMetric('meteor', sample) }
}

/** What a response costs by each term that is wanted; undefined where the term says nothing of it. */
export type Costs = Readonly<Partial<Record<SampledTerm, number | undefined>>>

/** The costs of responses by the terms that weigh something. */
export async function sampledCosts(
  responses: readonly Response[],
  options: NeuroplasticOptions,
  reward: RewardFunction | undefined,
): Promise<Costs[]> {
  const weights = termWeights(options)
  const scores = reward && weights.reward > 0 ? await scoreResponses(reward, responses) : []
  return responses.map((response, i) => {
    const overlaps = weights.reference > 0 ? overlap(response) : undefined
    return {
      ...(weights.length > 0 ? { length: lengthCost(response.tokens.length, options.target_length) } : {}),
      ...(overlaps ? { reference: referenceCost(overlaps) } : {}),
      ...(scores.length > 0 ? { reward: -scores[i]! } : {}),
    }
  })
}

/**
 * The baseline of each response drawn to a prompt: the mean cost of the others (leave-one-out; Kool et al. 2019), which is independent
 * of the response, so that the score function stays unbiased.
 *
 * @param costs of the responses drawn to one prompt, at least two
 */
export function costsOfOthers(costs: readonly Costs[]): Costs[] {
  return costs.map((own) =>
    Object.fromEntries(
      SAMPLED_TERMS.filter((name) => own[name] !== undefined).map((name) => {
        const sum = costs.reduce((total, cost) => total + cost[name]!, 0)
        return [name, (sum - own[name]!) / (costs.length - 1)]
      }),
    ),
  )
}
