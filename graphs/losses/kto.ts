/**
 * Kahneman-Tversky optimization: a policy learns from answers that are each by itself desirable or not. Ethayarajh et al.: KTO:
 * Model Alignment as Prospect Theoretic Optimization (2024).
 * @module
 */
import type { Value } from '../ir/graph.ts'
import { add, mul, neg, sigmoid, sub } from '../ops/index.ts'

export interface KtoLoss {
  /** β: how dear it is to leave the reference. */
  readonly beta: number
  /** w of desirable answers. */
  readonly desirable_weight: number
  /** w of undesirable answers. */
  readonly undesirable_weight: number
}

/**
 * The loss of each answer, w·(1 − v), of its value v (eq. 8): σ(β(r − z₀)) where it is desirable, σ(β(z₀ − r)) where it is not,
 * of r = log π(answer) − log π_ref(answer), summed over its tokens. With z₀ = 0 it is APO-zero, unpaired (D'Oosterlinck et al.:
 * Anchored Preference Optimization and Contrastive Revisions, 2024).
 *
 * @param logRatios r [rows]
 * @param desirable 1 or 0 [rows]
 * @param kl z₀, a scalar: what an answer is compared with
 * @returns [rows]
 */
export function ktoLoss(logRatios: Value, desirable: Value, kl: Value, settings: KtoLoss): Value {
  const { beta, desirable_weight, undesirable_weight } = settings
  const sign = sub(mul(desirable, 2), 1)
  const weight = add(mul(desirable, desirable_weight - undesirable_weight), undesirable_weight)
  // 1 − σ(x) = σ(−x)
  const x = mul(sign, mul(sub(logRatios, kl), beta))
  return mul(weight, sigmoid(neg(x)))
}
