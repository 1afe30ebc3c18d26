/**
 * Simple preference optimization: what an answer is worth is its mean log-probability per token, and the chosen one is to lead by a
 * margin. Meng, Xia, Chen: SimPO: Simple Preference Optimization with a Reference-Free Reward (2024).
 * @module
 */
import type { Value } from '../ir/graph.ts'
import { mul, sub } from '../ops/index.ts'
import { chosenLessRejected, smoothedLogistic } from './pairs.ts'

export interface SimpoLoss {
  /** β: the scale of the reward β·ℓ. */
  readonly beta: number
  /** γ: by how much the chosen answer's reward is to lead. */
  readonly simpo_gamma: number
  /** ε: the share of pairs taken to be the wrong way round. */
  readonly label_smoothing: number
  /** α: the weight of the chosen answers' own likelihood; 0 in the paper. */
  readonly cpo_alpha: number
}

/**
 * −(1 − ε)·log σ(x) − ε·log σ(−x) of each pair, x = β·(ℓ₊ − ℓ₋) − γ (their eq. 6, smoothed).
 *
 * @param logps ℓ [pairs, 2], the chosen answer's first
 * @returns [pairs]
 */
export const simpoLoss = (
  logps: Value,
  { beta, simpo_gamma, label_smoothing }: Omit<SimpoLoss, 'cpo_alpha'>,
): Value => smoothedLogistic(sub(mul(chosenLessRejected(logps), beta), simpo_gamma), label_smoothing)
