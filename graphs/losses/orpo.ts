/**
 * Odds ratio preference optimization: a supervised loss of the chosen answers, and a penalty on the odds of the rejected ones.
 * Hong, Lee, Thorne: ORPO: Monolithic Preference Optimization without Reference Model (2024).
 * @module
 */
import type { Value } from '../ir/graph.ts'
import { add, div, exp, log, minimum, mul, sub, tanh } from '../ops/index.ts'
import { logSigmoid } from './log_sigmoid.ts'
import { chosenLessRejected } from './pairs.ts'

export interface OrpoLoss {
  /** β, the paper's λ: the weight of the odds ratio beside the likelihood. */
  readonly beta: number
}

/**
 * z = log(odds(y₊) / odds(y₋)) and log σ(z) of each pair (their eq. 7), where odds = p / (1 − p) of the geometric mean p of an
 * answer's probabilities.
 *
 * @param logps ℓ = log p [pairs, 2], the chosen answer's first
 * @returns [pairs] each
 */
export function oddsRatio(logps: Value): { readonly logOdds: Value; readonly logRatio: Value } {
  const z = chosenLessRejected(logOdds(logps))
  return { logOdds: z, logRatio: logSigmoid(z) }
}

/** The largest ℓ: p is at most 1 − 2⁻²⁴, the float32 next below 1. */
const NEAREST = -(2 ** -24)

/**
 * y = log(p / (1 − p)) = ℓ − log(1 − e^ℓ), with ℓ = log p at most −2⁻²⁴, so that y and dy are finite for an answer that is certain.
 *
 * 1 − e^ℓ = tanh(−ℓ/2)·(1 + e^ℓ), where nothing cancels as ℓ → 0.
 * dℓ = dy / (1 − e^ℓ)
 */
export function logOdds(logps: Value): Value {
  const l = minimum(logps, NEAREST)
  const complement = mul(tanh(mul(l, -0.5)), add(exp(l), 1))
  const y = sub(l, log(complement))
  logps.graph.composite({
    name: 'log_odds',
    inputs: [logps],
    outputs: [y],
    gradient: ([dy]) => [() => div(dy!, complement)],
  })
  return y
}
