/**
 * How a policy's gradient is estimated from groups of completions with rewards: what GRPO and RLOO differ in.
 *
 * Shao et al.: DeepSeekMath (2024); Liu et al.: Understanding R1-Zero-Like Training, Dr. GRPO (2025); Kool et al.: Buy 4 REINFORCE
 * Samples, Get a Baseline for Free! (2019); Ahmadian et al.: Back to Basics, RLOO (2024). Numbers are those of TRL 1.16.
 * @module
 */
import type { GrpoLoss } from '../../../graphs/losses/grpo.ts'
import { moments } from '../../metrics/moments.ts'
import type { GrpoGraphOptions, GrpoOptions, LossType, RlooGraphOptions, RlooOptions } from './options.ts'

export interface Estimator {
  /** Of the graphs. */
  readonly loss: GrpoLoss
  readonly lossType: LossType
  /** Of ρ of sequences: whether log ρ is the mean over a completion's tokens, or the sum. */
  readonly sequence: 'mean' | 'sum'
  /** Whether rewards are lowered by divergence, so that advantages need it. */
  readonly penalised: boolean
  /**
   * A of each completion; those of a group follow each other.
   *
   * @param kls Σ log π − log π_ref of each completion, where rewards are lowered by it
   */
  readonly advantages: (rewards: readonly number[], kls?: readonly number[]) => number[]
}

/** Added to standard deviations that are divided by. */
const TINY = 1e-4

const deviation = (values: readonly number[]): number => Math.sqrt(moments(values).variance)

/** Lists of so many numbers that follow each other. */
export const groupsOf = (values: readonly number[], size: number): number[][] =>
  Array.from({ length: values.length / size }, (_, i) => values.slice(i * size, (i + 1) * size))

/** A = (r − mean r) / (σ + 1e-4), with the mean of the group and σ of the group, of all, or 1 in place of the divisor. */
export function groupAdvantages(
  rewards: readonly number[],
  { num_generations, scale_rewards }: Pick<GrpoOptions, 'num_generations' | 'scale_rewards'>,
): number[] {
  const ofAll = deviation(rewards)
  return groupsOf(rewards, num_generations).flatMap((group) => {
    const { mean } = moments(group)
    const scale = scale_rewards === 'none' ? 1 : (scale_rewards === 'batch' ? ofAll : deviation(group)) + TINY
    return group.map((reward) => (reward - mean) / scale)
  })
}

/**
 * A = r − the mean of the group's others, of r clamped and less β·KL; with `normalize_advantages` (A − mean A) / (σ + 1e-4) over
 * all.
 */
export function leaveOneOutAdvantages(
  rewards: readonly number[],
  kls: readonly number[] | undefined,
  {
    num_generations,
    normalize_advantages,
    reward_clip_range,
    beta,
  }: Pick<RlooOptions, 'num_generations' | 'normalize_advantages' | 'reward_clip_range' | 'beta'>,
): number[] {
  const [low = -Infinity, high = Infinity] = reward_clip_range ?? []
  const lowered = rewards.map(
    (reward, i) => Math.min(Math.max(reward, low), high) - (kls ? beta * kls[i]! : 0),
  )
  const advantages = groupsOf(lowered, num_generations).flatMap((group) => {
    const total = group.reduce((sum, reward) => sum + reward, 0)
    return group.map((reward) => reward - (total - reward) / (num_generations - 1))
  })
  if (!normalize_advantages) return advantages
  const { mean } = moments(advantages)
  const scale = deviation(advantages) + TINY
  return advantages.map((advantage) => (advantage - mean) / scale)
}

export const grpoLossOf = (options: GrpoGraphOptions): GrpoLoss => options

/** ρ of a completion is the product over its tokens; the divergence is in the reward. */
export const rlooLossOf = (options: RlooGraphOptions): GrpoLoss => ({
  ...options,
  importance_sampling_level: 'sequence',
  delta: null,
  beta: 0,
  use_bias_correction_kl: false,
})

export const grpoEstimator = (options: GrpoOptions): Estimator => ({
  loss: grpoLossOf(options),
  lossType: options.loss_type,
  sequence: 'mean',
  penalised: false,
  advantages: (rewards) => groupAdvantages(rewards, options),
})

export const rlooEstimator = (options: RlooOptions): Estimator => ({
  loss: rlooLossOf(options),
  // The mean over completions, whatever their lengths.
  lossType: 'grpo',
  sequence: 'sum',
  penalised: options.beta > 0,
  advantages: (rewards, kls) => leaveOneOutAdvantages(rewards, kls, options),
})
