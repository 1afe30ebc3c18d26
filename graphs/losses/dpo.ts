/**
 * Direct preference optimization: a policy learns from pairs of answers without a reward model. Rafailov et al.: Direct
 * Preference Optimization: Your Language Model is Secretly a Reward Model (2023).
 * @module
 */
import type { Value } from '../ir/graph.ts'
import { mul, neg, relu, sub } from '../ops/index.ts'
import { chosenLessRejected, logisticParts, ofChosen, perToken, smoothedLogistic } from './pairs.ts'

export const dpoLossTypes = ['sigmoid', 'hinge', 'ipo', 'robust'] as const

export interface DpoLoss {
  readonly loss_type: (typeof dpoLossTypes)[number]
  /** β: how dear it is to leave the reference. */
  readonly beta: number
  /** ε: the share of pairs taken to be the wrong way round. For `sigmoid` and `robust`, the latter below a half. */
  readonly label_smoothing: number
  /** Whether an answer's log-ratio is divided by its number of tokens; IPO's always is. */
  readonly length_normalised: boolean
  /** α: the weight of the chosen answer's own negative log-likelihood, per token, in the loss; 0, the default, leaves it out. */
  readonly rpo_alpha?: number
}

/**
 * The loss of each pair, from r = log π(answer) − log π_ref(answer), summed over an answer's tokens, and
 * Δ = r₊ − r₋ (of r per token where the loss is length-normalised).
 *
 * @param logRatios r [pairs, 2], the chosen answer's first
 * @param lengths the answers' numbers of tokens, [pairs, 2]
 * @returns [pairs]
 */
export function dpoLoss(logRatios: Value, lengths: Value, settings: DpoLoss): Value {
  const { loss_type, beta, label_smoothing: smoothing, length_normalised } = settings
  const normalised = length_normalised || loss_type === 'ipo'
  const delta = chosenLessRejected(normalised ? perToken(logRatios, lengths) : logRatios)
  const x = mul(delta, beta)

  switch (loss_type) {
    // −(1 − ε)·log σ(βΔ) − ε·log σ(−βΔ): Rafailov et al. (2023), eq. 7, smoothed
    case 'sigmoid':
      return smoothedLogistic(x, smoothing)
    // max(0, 1 − βΔ): Zhao et al.: SLiC-HF: Sequence Likelihood Calibration with Human Feedback (2023)
    case 'hinge':
      return relu(sub(1, x))
    // (Δ − 1/(2β))²: Azar et al.: A General Theoretical Paradigm to Understand Learning from Human Preferences (2023),
    // eq. 17, of the log-ratios per token
    case 'ipo': {
      const distance = sub(delta, 1 / (2 * beta))
      return mul(distance, distance)
    }
    // (−(1 − ε)·log σ(βΔ) + ε·log σ(−βΔ)) / (1 − 2ε): Chowdhury et al.: Provably Robust DPO: Aligning Language Models
    // with Noisy Feedback (2024), unbiased where a share ε of the labels is flipped
    case 'robust': {
      const { clean, flipped } = logisticParts(x, smoothing)
      return mul(sub(clean(), flipped()), 1 / (1 - 2 * smoothing))
    }
  }
}

/**
 * −log π(y₊) / |y₊|, which keeps the policy from making both answers unlikely: Pang et al.: Iterative Reasoning Preference
 * Optimization (2024), eq. 1, where α weighs it.
 *
 * @param logps log π(answer) [pairs, 2], the chosen answer's first
 * @param lengths the answers' numbers of tokens, [pairs, 2]
 * @returns [pairs]
 */
export const chosenNegativeLogLikelihood = (logps: Value, lengths: Value): Value =>
  neg(ofChosen(perToken(logps, lengths)))
