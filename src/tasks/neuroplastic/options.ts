/**
 * The options of neuro-plastic fine-tuning, the key `neuroplastic` of a configuration, under their published names.
 * @module
 */
import { z } from 'zod'

import { rewardSourceSchema } from '../../rewards/reward_source.ts'

const count = z.int().min(1).max(1e6)
const weight = z.number().min(0).max(1e6)

export const neuroplasticOptionsSchema = z.strictObject({
  lambda_reward: weight
    .default(0.2)
    .describe('λ of the first step: what all terms weigh beside the likelihood; it falls to 0 along a line.'),
  target_length: z
    .int()
    .min(0)
    .max(1e6)
    .default(50)
    .describe('Tokens of a response, its end included, beyond which the length term grows.'),
  alpha: weight.default(5).describe('α, the weight of the length term; 0 leaves it out, as of all weights.'),
  beta_sem: weight.default(0.7).describe('β, the weight of the semantic term.'),
  gamma_div: weight.default(0.3).describe('γ, the weight of the entropy term.'),
  delta_ref: weight.default(0.4).describe('δ, the weight of the reference term.'),
  reward: rewardSourceSchema
    .nullish()
    .describe(
      "A term of one's own: what scores a response, as for ppo, such as a function; null or left out: none.",
    ),
  reward_weight: weight.default(1).describe("The weight of the reward's term, which is minus the score."),
  surrogate: z
    .enum(['score_function', 'none'])
    .default('score_function')
    .describe(
      'How terms of what the model writes act, which have no derivative: by the score function, or not at all, as published.',
    ),
  num_generations: count
    .max(1024)
    .default(1)
    .describe(
      'Responses drawn to each prompt; the baseline is the greedy response where it is one, and else the mean of the others.',
    ),
  norm_steps: count
    .default(25)
    .describe("The terms' gradient norms are logged at the first step and every so many steps."),
  max_new_tokens: count.default(64).describe('Longest response in tokens that is written for the terms.'),
  eval_prompts: count
    .default(64)
    .describe('Validation prompts that an evaluation continues, evenly spread over all.'),
})

export type NeuroplasticOptions = z.infer<typeof neuroplasticOptionsSchema>
