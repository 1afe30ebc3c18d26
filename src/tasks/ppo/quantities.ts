/**
 * From scores to what each token of a response is to be praised or blamed for, and what divergence costs. Responses are lists
 * of numbers, one per token; an update has as many lists as responses.
 *
 * Ziegler et al.: Fine-Tuning Language Models from Human Preferences (2019), §2.2: the score comes with a response's last token,
 * every token pays for its divergence from the reference, and the price β is steered. Schulman et al.: High-Dimensional
 * Continuous Control Using Generalized Advantage Estimation (2015), eq. 16.
 * @module
 */
import { moments } from '../../metrics/moments.ts'
import type { PpoOptions } from './options.ts'

/** One number per token of a response. */
export type PerToken = ArrayLike<number>

/**
 * A token's divergence from the reference, by the chosen estimate. With d = log π − log π_ref:
 * kl d, abs |d|, mse ½·d².
 */
export function klPenalties(logps: PerToken, reference: PerToken, kind: PpoOptions['kl_penalty']): number[] {
  return Array.from(logps, (logp, t) => {
    const d = logp - reference[t]!
    return kind === 'kl' ? d : kind === 'abs' ? Math.abs(d) : 0.5 * d * d
  })
}

/**
 * The same as policies are compared by, which is never negative: in place of d, whose mean over few responses may be, it is
 * e^−d − 1 + d, of the same expectation (Schulman: Approximating KL Divergence, 2020, k₃). A policy must not look good because
 * an estimate of its divergence came out below 0.
 */
export const divergences = (logps: PerToken, reference: PerToken, kind: PpoOptions['kl_penalty']): number[] =>
  klPenalties(logps, reference, kind).map((d) => (kind === 'kl' ? Math.expm1(-d) + d : d))

/**
 * The score that a response is learned from: clamped to ± `score_clip`, less the penalty for not coming to an end.
 *
 * @param ended whether the policy ended the response itself
 */
export function learnedScore(
  score: number,
  ended: boolean,
  { score_clip, missing_eos_penalty }: Pick<PpoOptions, 'score_clip' | 'missing_eos_penalty'>,
): number {
  const clamped = score_clip === null ? score : Math.min(Math.max(score, -score_clip), score_clip)
  return clamped - (ended ? 0 : (missing_eos_penalty ?? 0))
}

/** r_t = −β·KL_t, and the score more at the last token. */
export function tokenRewards(score: number, kls: readonly number[], klCoefficient: number): number[] {
  return kls.map((kl, t) => -klCoefficient * kl + (t === kls.length - 1 ? score : 0))
}

/**
 * Advantages and returns of a response's tokens, from the last to the first:
 * δ_t = r_t + γ·V_{t+1} − V_t,  A_t = δ_t + γλ·A_{t+1},  R_t = A_t + V_t; beyond the end V and A are 0.
 */
export function generalizedAdvantages(
  rewards: PerToken,
  values: PerToken,
  { gamma, lam }: Pick<PpoOptions, 'gamma' | 'lam'>,
): { advantages: number[]; returns: number[] } {
  const advantages = new Array<number>(rewards.length)
  let nextValue = 0
  let nextAdvantage = 0
  for (let t = rewards.length - 1; t >= 0; t--) {
    const delta = rewards[t]! + gamma * nextValue - values[t]!
    nextAdvantage = delta + gamma * lam * nextAdvantage
    nextValue = values[t]!
    advantages[t] = nextAdvantage
  }
  return { advantages, returns: advantages.map((advantage, t) => advantage + values[t]!) }
}

/**
 * Scales all tokens of an update to variance 1: x ← (x − mean)/√(var + 1e-8), with `shiftMean` false + mean. The variance is
 * the unbiased one, as in TRL.
 */
export function whiten(rows: readonly (readonly number[])[], shiftMean = true): number[][] {
  const { mean, variance } = moments(rows.flat())
  const scale = 1 / Math.sqrt(variance + 1e-8)
  return rows.map((row) => row.map((x) => (x - mean) * scale + (shiftMean ? 0 : mean)))
}

/** How far the error counts, either way. */
const LARGEST_ERROR = 0.2

/**
 * β for the next update: e = clip(KL / target − 1, −.2, .2),  β ← β · (1 + e · n / horizon). Without `adap_kl_ctrl` it stays.
 *
 * @param kl mean divergence of the update's responses, in nats
 * @param responses n, how many there were
 */
export function nextKlCoefficient(
  coefficient: number,
  kl: number,
  responses: number,
  { adap_kl_ctrl, target, horizon }: Pick<PpoOptions, 'adap_kl_ctrl' | 'target' | 'horizon'>,
): number {
  if (!adap_kl_ctrl) return coefficient
  const error = Math.min(Math.max(kl / target - 1, -LARGEST_ERROR), LARGEST_ERROR)
  return coefficient * (1 + (error * responses) / horizon)
}
