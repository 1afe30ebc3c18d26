/**
 * Simple preference optimization. Meng, Xia, Chen: SimPO: Simple Preference Optimization with a Reference-Free Reward (2024).
 *
 * An answer's implicit reward is what the policy goes by when it writes, its mean log-probability per token:
 *
 *     r̂(x, y) = β·ℓ,   ℓ = log π(y | x) / |y|
 *     L = mean over pairs of −log σ(r̂(x, y₊) − r̂(x, y₋) − γ) + α·nll
 *
 * The last term is that of contrastive preference optimization (Xu et al., 2024), and not in SimPO's paper; nll is per token of the
 * chosen answers. There is no reference.
 * @module
 */
import { z } from 'zod'

import { positiveFloat32 } from '../float32_option.ts'
import { referenceFreeTask } from './reference_free_task.ts'

/** Under the names of TRL's CPOTrainer. */
const options = z.strictObject({
  // TRL's default is the 0.1 of CPO's summed log-probabilities; means per token need the paper's 2.
  beta: positiveFloat32().default(2).describe('The scale of the implicit reward.'),
  simpo_gamma: z
    .number()
    .min(0)
    .default(0.5)
    .describe("By how much the chosen answer's implicit reward is to lead."),
  label_smoothing: z
    .number()
    .min(0)
    .lt(0.5)
    .default(0)
    .describe('Share of the pairs that are believed to be the wrong way round.'),
  cpo_alpha: z
    .number()
    .min(0)
    .default(1)
    .describe(
      "Weight of the chosen answers' own loss per token, which keeps them likely; 0 is the paper's loss.",
    ),
})

/** How the loss takes pairs, and what it says of them. */
export const simpoLearns = { likelihoodOf: 'answer', perPair: [] } as const

export const simpo = referenceFreeTask({
  name: 'simpo',
  summary: 'learn from pairs that the chosen answer be likelier per token, by a margin, without a reference',
  options,
  rates: { adapters: 0.5, full: 0.5 },
  ...simpoLearns,
  async graphs() {
    const { simpoEvaluationGraph, simpoTrainingGraph } = await import('../../graphs/tasks/simpo.ts')
    return {
      training: (request, simpo) => simpoTrainingGraph({ ...request, simpo }),
      evaluation: (request, simpo) => simpoEvaluationGraph({ ...request, simpo }),
    }
  },
})
