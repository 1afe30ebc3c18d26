/**
 * The clipped losses of proximal policy optimization. Schulman et al.: Proximal Policy Optimization Algorithms (2017); for
 * language models Ziegler et al.: Fine-Tuning Language Models from Human Preferences (2019).
 * @module
 */
import type { Value } from '../ir/graph.ts'
import { add, exp, maximum, minimum, mul, neg, sub } from '../ops/index.ts'

export interface PpoLoss {
  /** ε: how far a token's probability may move, as a factor 1 ± ε, before it counts no further. */
  readonly cliprange: number
  /** How far a value may move from the one before the step. */
  readonly cliprange_value: number
  /** The value loss's share of the loss. */
  readonly vf_coef: number
  /** The entropy's share, which is taken off. */
  readonly entropy_coef: number
  /** T: the policy is softmax(logits / T), as it is sampled from. */
  readonly temperature: number
}

/**
 * With ρ = exp(log π − log π_old): max(−A·ρ, −A·clip(ρ, 1 − ε, 1 + ε)) of each token (Schulman et al., eq. 7).
 *
 * @param logps log π of the tokens under the policy as it is [labelled]
 * @param oldLogps those under the policy that generated them
 * @param advantages A
 */
export function policyLoss(logps: Value, oldLogps: Value, advantages: Value, cliprange: number): Value {
  const ratio = exp(sub(logps, oldLogps))
  const { graph, dtype } = ratio
  const clipped = clip(ratio, graph.scalar(1 - cliprange, dtype), graph.scalar(1 + cliprange, dtype))
  const gain = neg(advantages)
  return maximum(mul(gain, ratio), mul(gain, clipped))
}

/**
 * ½·max((V − R)², (clip(V, V_old − c, V_old + c) − R)²) of each token.
 *
 * @param values V as the value head has them now [labelled]
 * @param oldValues V_old, those before the step
 * @param returns R
 */
export function valueLoss(values: Value, oldValues: Value, returns: Value, cliprange: number): Value {
  const clipped = clip(values, sub(oldValues, cliprange), add(oldValues, cliprange))
  const squared = (x: Value) => mul(x, x)
  const worst = maximum(squared(sub(values, returns)), squared(sub(clipped, returns)))
  return mul(worst, 0.5)
}

const clip = (x: Value, low: Value, high: Value): Value => maximum(minimum(x, high), low)
