/**
 * Odds ratio preference optimization. Hong, Lee, Thorne: ORPO: Monolithic Preference Optimization without Reference Model (2024).
 *
 * A policy learns the chosen answers as sft does, and at once to make the rejected ones less likely than them. With
 * ℓ = log π(y | x) / |y| and odds(y) = e^ℓ / (1 − e^ℓ):
 *
 *     L = nll − β·mean over pairs of log σ(z),   z = log(odds(y₊) / odds(y₋))
 *
 * nll is per token of the chosen sequences, prompts and answers, as TRL's ORPOTrainer has it. There is no reference.
 * @module
 */
import { z } from 'zod'

import { positiveFloat32 } from '../float32_option.ts'
import { referenceFreeTask } from './reference_free_task.ts'

/** Under TRL's names. */
const options = z.strictObject({
  beta: positiveFloat32()
    .default(0.1)
    .describe("Weight of the odds ratio beside the likelihood; the paper's λ."),
})

/** How the loss takes pairs, and what it says of them. */
export const orpoLearns = {
  likelihoodOf: 'sequence',
  perPair: ['log_odds_ratio', 'log_odds_chosen'],
} as const

export const orpo = referenceFreeTask({
  name: 'orpo',
  summary: 'learn the chosen answers of pairs, and to avoid the rejected ones, without a reference',
  options,
  ...orpoLearns,
  async graphs() {
    const { orpoEvaluationGraph, orpoTrainingGraph } = await import('../../graphs/tasks/orpo.ts')
    return {
      training: (request, orpo) => orpoTrainingGraph({ ...request, orpo }),
      evaluation: (request, orpo) => orpoEvaluationGraph({ ...request, orpo }),
    }
  },
})
