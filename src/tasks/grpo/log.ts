/**
 * What GRPO and RLOO log, under the names and by the definitions of TRL 1.16's trainers. Standard deviations are the unbiased ones.
 * @module
 */
import type { LogRecord } from '../../learning/listeners.ts'
import type { Response } from '../../learning/rollouts.ts'
import { moments } from '../../metrics/moments.ts'
import type { Scores } from '../../rewards/weighted_rewards.ts'
import type { Estimator } from './estimator.ts'
import { groupsOf } from './estimator.ts'

type Numbers = Record<string, number>

const mean = (values: readonly number[]): number => (values.length === 0 ? 0 : moments(values).mean)
const deviation = (values: readonly number[]): number => Math.sqrt(moments(values).variance)

/** Of the rewards, as they were given: mean and deviation of the weighted sum, and of each source's own. */
export function rewardStatistics({ total, each }: Scores): Numbers {
  const own = Object.entries(each).flatMap(([name, scores]) => [
    [`rewards/${name}/mean`, mean(scores)] as const,
    [`rewards/${name}/std`, deviation(scores)] as const,
  ])
  return { ...Object.fromEntries(own), reward: mean(total), reward_std: deviation(total) }
}

/** Groups whose rewards are all equal, so that nothing is learned from them, as a share. */
export const equalGroups = (rewards: readonly number[], size: number): number =>
  mean(groupsOf(rewards, size).map((group) => (deviation(group) <= 1e-8 ? 1 : 0)))

/** Of lengths in tokens, the end included. A completion is clipped where the policy did not end it itself. */
export function lengthStatistics(responses: readonly Response[]): Numbers {
  const lengthsOf = (some: readonly Response[]) => some.map(({ tokens }) => tokens.length)
  const spread = (infix: string, lengths: readonly number[]) => ({
    [`completions/mean_${infix}length`]: mean(lengths),
    [`completions/min_${infix}length`]: Math.min(...lengths),
    [`completions/max_${infix}length`]: Math.max(...lengths),
  })
  const ended = lengthsOf(responses.filter((response) => response.ended))
  return {
    ...spread('', lengthsOf(responses)),
    ...spread('terminated_', ended.length === 0 ? [0] : ended),
    'completions/clipped_ratio': 1 - ended.length / responses.length,
  }
}

/** What a batch was learned from, and what the training graph gave for it; of each completion, token by token. */
export interface BatchOutcome {
  readonly logps: readonly (readonly number[])[]
  readonly entropies: readonly (readonly number[])[]
  readonly oldLogps: readonly (readonly number[])[]
  /** Where the loss has a divergence. */
  readonly reference: readonly (readonly number[])[] | undefined
  /** One of each completion. */
  readonly advantages: readonly number[]
  /** Whether each completion is learned from. */
  readonly learned: readonly boolean[]
}

/** Of one batch. */
export function batchStatistics(outcome: BatchOutcome, { loss, sequence }: Estimator): Numbers {
  const { logps, entropies, oldLogps, reference, advantages, learned } = outcome
  const high = 1 + (loss.epsilon_high ?? loss.epsilon)
  const low = 1 - loss.epsilon
  const ofSequences = loss.importance_sampling_level === 'sequence'
  /** ρ of each token, or the one of the completion. */
  const ratios = logps.map((row, i) => {
    const changes = learned[i] ? row.map((logp, t) => logp - oldLogps[i]![t]!) : [0]
    if (!ofSequences) return changes.map(Math.exp)
    const sum = changes.reduce((total, change) => total + change, 0)
    return [Math.exp(sequence === 'mean' ? sum / changes.length : sum)]
  })
  const clipped = (is: (ratio: number, advantage: number) => boolean) =>
    ratios.map((row, i) => row.map((ratio) => (is(ratio, advantages[i]!) ? 1 : 0)))
  const isLow = clipped((ratio, advantage) => ratio < low && advantage < 0)
  const isHigh = clipped((ratio, advantage) => ratio > high && advantage > 0)
  // A completion that is not learned from has a ratio of 1 of its sequence, and no tokens.
  const counted = <T>(rows: readonly T[]): T[] =>
    ofSequences ? [...rows] : rows.filter((_, i) => learned[i])
  const perCompletion = (rows: readonly (readonly number[])[]) => counted(rows).map(mean)
  const overall = (rows: readonly (readonly number[])[]) => mean(counted(rows).flat())
  const [lowMean, highMean] = [overall(isLow), overall(isHigh)]
  const tokens = (rows: readonly (readonly number[])[]) => mean(rows.filter((_, i) => learned[i]).flat())
  return {
    entropy: tokens(entropies),
    ...(reference && {
      kl: tokens(
        logps.map((row, i) =>
          row.map((logp, t) => {
            const d = reference[i]![t]! - logp
            const ratio = loss.use_bias_correction_kl ? (ratios[i]![ofSequences ? 0 : t] ?? 1) : 1
            return (Math.expm1(d) - d) * ratio
          }),
        ),
      ),
    }),
    'clip_ratio/low_mean': lowMean,
    'clip_ratio/low_min': Math.min(...perCompletion(isLow), Infinity),
    'clip_ratio/high_mean': highMean,
    'clip_ratio/high_max': Math.max(...perCompletion(isHigh), -Infinity),
    'clip_ratio/region_mean': lowMean + highMean,
  }
}

/** Means over the batches of an update; what a batch has no number for, as none of it is learned from, counts for nothing. */
export function meanStatistics(all: readonly Numbers[]): Numbers {
  const names = Object.keys(all[0]!)
  return Object.fromEntries(
    names.map((name) => [name, mean(all.map((one) => one[name]!).filter((value) => Number.isFinite(value)))]),
  )
}

/** A completion as people look at it. */
export interface CompletionRecord extends LogRecord {
  readonly prompt: string
  readonly response: string
  /** The weighted sum of the rewards. */
  readonly score: number
  readonly advantage: number
  readonly tokens: number
}
