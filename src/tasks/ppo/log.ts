/**
 * What PPO logs, under the names and by the definitions of TRL 0.11's `PPOTrainer`: of an update's responses, and as means
 * over the mini-batches that were learned from. Standard deviations and variances are the unbiased ones.
 * @module
 */
import { moments } from '../../metrics/moments.ts'
import type { PpoOptions } from './options.ts'
import type { Response } from '../../learning/rollouts.ts'
import type { PerToken } from './quantities.ts'
import type { LogRecord } from '../../learning/listeners.ts'

/** A response with all that is known about it before the update learns from it; lists have one number per token. */
export interface Experience {
  readonly response: Response
  /** As the reward gave it. */
  readonly score: number
  /** As it is learned from: clamped, less a penalty. */
  readonly learnedScore: number
  readonly logps: readonly number[]
  readonly values: readonly number[]
  /** Divergence from the reference. */
  readonly kls: readonly number[]
  readonly advantages: readonly number[]
  readonly returns: readonly number[]
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
const mean = (values: readonly number[]): number => moments(values).mean
const deviation = (values: readonly number[]): number => Math.sqrt(moments(values).variance)

/** Of the responses of an update, before it. */
export function responseStatistics(
  experiences: readonly Experience[],
  klCoefficient: number,
): Record<string, number> {
  const scores = experiences.map(({ score }) => score)
  const learned = experiences.map(({ learnedScore }) => learnedScore)
  const queries = experiences.map(({ response }) => response.prompt.ids.length)
  const lengths = experiences.map(({ response }) => response.tokens.length)
  const { length } = experiences
  return {
    // Per response: Σ KL_t, and −Σ log π_t, whose mean estimates the entropy of whole responses.
    'objective/kl': mean(experiences.map(({ kls }) => sum(kls))),
    'objective/kl_coef': klCoefficient,
    'objective/entropy': mean(experiences.map(({ logps }) => -sum(logps))),
    'ppo/mean_non_score_reward': -klCoefficient * mean(experiences.flatMap(({ kls }) => kls)),
    'ppo/mean_scores': mean(learned),
    'ppo/std_scores': deviation(learned),
    'tokens/queries_len_mean': mean(queries),
    'tokens/queries_len_std': deviation(queries),
    'tokens/responses_len_mean': mean(lengths),
    'tokens/responses_len_std': deviation(lengths),
    'tokens/responses_ended': experiences.filter(({ response }) => response.ended).length / length,
    'env/reward_mean': mean(scores),
    'env/reward_std': deviation(scores),
  }
}

/** What a mini-batch was learned from, and what the training graph gave for it; token by token over its responses. */
export interface MiniBatchOutcome {
  readonly policyLoss: number
  readonly valueLoss: number
  readonly entropy: number
  readonly logps: PerToken
  readonly values: PerToken
  readonly oldLogps: readonly number[]
  readonly oldValues: readonly number[]
  readonly advantages: readonly number[]
  readonly returns: readonly number[]
}

/** Of one mini-batch. */
export function miniBatchStatistics(
  outcome: MiniBatchOutcome,
  { cliprange, cliprange_value, vf_coef, entropy_coef }: PpoOptions,
): Record<string, number> {
  const { policyLoss, valueLoss, entropy, logps, values, oldLogps, oldValues, advantages, returns } = outcome
  const meanOf = (of: (t: number) => number) => mean(oldLogps.map((_, t) => of(t)))
  const clip = (x: number, low: number, high: number) => Math.max(Math.min(x, high), low)
  const change = (t: number) => logps[t]! - oldLogps[t]!

  // Where the clipped term of a loss is the larger one, and so is the one that counts.
  const policyClipped = (t: number) => {
    const ratio = Math.exp(change(t))
    return -advantages[t]! * clip(ratio, 1 - cliprange, 1 + cliprange) > -advantages[t]! * ratio ? 1 : 0
  }
  const squaredError = (t: number) => (values[t]! - returns[t]!) ** 2
  const valueClipped = (t: number) => {
    const clipped = clip(values[t]!, oldValues[t]! - cliprange_value, oldValues[t]! + cliprange_value)
    return (clipped - returns[t]!) ** 2 > squaredError(t) ? 1 : 0
  }

  return {
    'loss/policy': policyLoss,
    'loss/value': valueLoss,
    'loss/total': policyLoss + vf_coef * valueLoss - entropy_coef * entropy,
    'policy/entropy': entropy,
    // ½·E[(log π − log π_old)²] and E[log π_old − log π], estimates of the divergence of this update alone.
    'policy/approxkl': 0.5 * meanOf((t) => change(t) ** 2),
    'policy/policykl': meanOf((t) => -change(t)),
    'policy/clipfrac': meanOf(policyClipped),
    'policy/advantages_mean': mean(advantages),
    'returns/mean': mean(returns),
    'returns/var': moments(returns).variance,
    'val/vpred': meanOf((t) => values[t]!),
    'val/error': meanOf(squaredError),
    'val/clipfrac': meanOf(valueClipped),
    'val/mean': mean(oldValues),
    'val/var': moments(oldValues).variance,
  }
}

/** exp(log π − log π_old) of the token for which it is furthest from 1. */
export function furthestRatio({ logps, oldLogps }: Pick<MiniBatchOutcome, 'logps' | 'oldLogps'>): number {
  return oldLogps.reduce((furthest, old, t) => {
    const ratio = Math.exp(logps[t]! - old)
    return Math.abs(ratio - 1) > Math.abs(furthest - 1) ? ratio : furthest
  }, 1)
}

/** Means over the mini-batches of an update, under `ppo/`. Where all returns are equal no variance is to be explained, and it is 0. */
export function updateStatistics(all: readonly Record<string, number>[]): Record<string, number> {
  const means = Object.fromEntries(
    Object.keys(all[0]!).map((name) => [`ppo/${name}`, mean(all.map((statistics) => statistics[name]!))]),
  )
  const variance = means['ppo/returns/var']!
  // 1 − E[(V − R)²]/Var R
  return { ...means, 'ppo/val/var_explained': variance > 0 ? 1 - means['ppo/val/error']! / variance : 0 }
}

/** A response as people look at it. */
export interface RolloutRecord extends LogRecord {
  readonly prompt: string
  readonly response: string
  /** As the reward gave it. */
  readonly score: number
  /** Divergence from the reference, in nats. */
  readonly kl: number
  readonly tokens: number
}

export const rolloutRecord = ({ response, score, kls }: Experience, step: number): RolloutRecord => ({
  step,
  prompt: response.prompt.text,
  response: response.text,
  score,
  kl: sum(kls),
  tokens: response.tokens.length,
})
