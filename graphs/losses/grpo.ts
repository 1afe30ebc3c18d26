/**
 * The loss of group relative policy optimization and of its relatives. Shao et al.: DeepSeekMath (2024), eq. 3; Yu et al.: DAPO
 * (2025); Zheng et al.: Group Sequence Policy Optimization (2025); Ahmadian et al.: Back to Basics, RLOO (2024).
 *
 * What distinguishes `grpo`, `bnpo`, `dr_grpo` and `dapo` is what each token weighs in the sum, which is for who calls.
 * @module
 */
import type { Value } from '../ir/graph.ts'
import { add, exp, gather, maximum, minimum, mul, neg, scatterAddRows, sub } from '../ops/index.ts'

/** TRL's names. */
export interface GrpoLoss {
  /** Whether ρ is of each token, or one of the whole completion. */
  readonly importance_sampling_level: 'token' | 'sequence'
  /** ε: how far ρ may fall below 1 before it counts no further. */
  readonly epsilon: number
  /** The same above 1; null: ε. */
  readonly epsilon_high: number | null
  /** The largest ρ that counts where A < 0, which ε does not bound; null: none. */
  readonly delta: number | null
  /** β: what a nat of divergence from the reference costs. */
  readonly beta: number
  /** Whether ρ multiplies the divergence, so that its gradient is that of the policy as it is. */
  readonly use_bias_correction_kl: boolean
  /** T: the policy is softmax(logits / T), as it is sampled from. */
  readonly temperature: number
}

/** How log ρ of completions is summed over their tokens. */
export interface Sequences {
  /** The completion of each token, int64 [labelled]. */
  readonly rows: Value
  /** What Σ log ρ of a completion weighs: 1/(its tokens), the mean of GSPO, or 1. [rows] */
  readonly weights: Value
  /** [rows] */
  readonly zeros: Value
}

/**
 * ρ = π/π_old of each token; or, of sequences, exp(w·Σ log ρ) at every token of a completion (GSPO, eq. 7).
 *
 * @param logRatios log π − log π_old [labelled]
 */
export function importanceRatios(logRatios: Value, sequences: Sequences | null): Value {
  if (!sequences) return exp(logRatios)
  const { rows, weights, zeros } = sequences
  return gather(exp(mul(scatterAddRows(zeros, rows, logRatios), weights)), rows)
}

/**
 * −min(min(ρ, δ)·A, clip(ρ, 1 − ε, 1 + ε_high)·A) of each token.
 *
 * @param ratios ρ [labelled]
 * @param advantages A [labelled]
 */
export function clippedLoss(
  ratios: Value,
  advantages: Value,
  { epsilon, epsilon_high, delta }: Pick<GrpoLoss, 'epsilon' | 'epsilon_high' | 'delta'>,
): Value {
  const clipped = maximum(minimum(ratios, 1 + (epsilon_high ?? epsilon)), 1 - epsilon)
  const bounded = delta === null ? ratios : minimum(ratios, delta)
  return neg(minimum(mul(bounded, advantages), mul(clipped, advantages)))
}

/**
 * e^d − d − 1 of each token, with d = log π_ref − log π: never negative, and of the divergence's expectation (Schulman:
 * Approximating KL Divergence, 2020, k₃).
 */
export function divergence(logps: Value, reference: Value): Value {
  const d = sub(reference, logps)
  return sub(sub(exp(d), d), 1)
}

/** The loss of each token: {@link clippedLoss} + β·{@link divergence}, the latter times ρ with `use_bias_correction_kl`. [labelled] */
export function grpoLoss(
  {
    logps,
    ratios,
    advantages,
    reference,
  }: {
    readonly logps: Value
    readonly ratios: Value
    readonly advantages: Value
    readonly reference: Value | null
  },
  loss: GrpoLoss,
): Value {
  const clipped = clippedLoss(ratios, advantages, loss)
  if (!reference) return clipped
  const kl = divergence(logps, reference)
  return add(clipped, mul(loss.use_bias_correction_kl ? mul(kl, ratios) : kl, loss.beta))
}
