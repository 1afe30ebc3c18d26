/**
 * The options of PPO, the key `ppo` of a configuration, under the names of TRL 0.11's `PPOConfig`.
 * @module
 */
import { z } from 'zod'

import { positiveFloat32 } from '../../float32_option.ts'
import { rewardSourceSchema } from '../../rewards/reward_source.ts'

const count = z.int().min(1).max(1e6)

const KL_PENALTIES = ['kl', 'abs', 'mse'] as const

/** The constants of the losses, which the graphs hold. */
export const ppoGraphOptions = z.object({
  cliprange: positiveFloat32()
    .default(0.2)
    .describe("How far a token's probability may move, as a factor 1 ± this, before it counts no further."),
  cliprange_value: positiveFloat32()
    .default(0.2)
    .describe('How far a value may move from the one before the update.'),
  vf_coef: z.number().min(0).default(0.1).describe('Share of the value loss in the loss.'),
  entropy_coef: z.number().min(0).default(0).describe('Share of the entropy, which is taken off.'),
  temperature: positiveFloat32()
    .default(0.7)
    .describe('Of the distribution that responses are drawn from, whose log-probabilities are compared.'),
})

export const ppoOptionsSchema = z.strictObject({
  ...ppoGraphOptions.shape,
  reward: rewardSourceSchema.describe(
    "What scores a response: a reward model, a metric against references, or a function of the user's.",
  ),
  batch_size: count.default(16).describe('Responses of an update.'),
  mini_batch_size: count.default(8).describe('Responses of one run of the training graph.'),
  ppo_epochs: count.default(4).describe("Passes over an update's responses."),
  init_kl_coef: z
    .number()
    .min(0)
    .default(0.2)
    .describe('What a nat of divergence from the reference costs, at the start.'),
  adap_kl_ctrl: z
    .boolean()
    .default(true)
    .describe('Steers the cost so that the divergence of a response comes near `target`; else it stays.'),
  target: positiveFloat32()
    .default(0.05)
    .describe('Divergence of a response from the reference, in nats, that the controller aims at.'),
  horizon: positiveFloat32()
    .default(10_000)
    .describe('Responses over which the controller may change the cost by a fifth of itself.'),
  kl_penalty: z
    .enum(KL_PENALTIES)
    .default('kl')
    .describe("A token's divergence: log π − log π_ref, its absolute value, or half its square."),
  gamma: z.number().min(0).max(1).default(1).describe('γ: what a reward one token later is worth.'),
  lam: z
    .number()
    .min(0)
    .max(1)
    .default(0.95)
    .describe('λ of the advantages (GAE): 1 trusts the rewards alone, 0 the value head.'),
  score_clip: positiveFloat32()
    .nullable()
    .default(1)
    .describe('Scores are clamped to ± this; null: taken as they are.'),
  missing_eos_penalty: positiveFloat32()
    .nullable()
    .default(null)
    .describe('Taken off the score of a response that the policy did not end itself; null: nothing.'),
  whiten_rewards: z
    .boolean()
    .default(false)
    .describe("Divides the rewards of an update's tokens by their standard deviation."),
  early_stopping: z
    .boolean()
    .default(true)
    .describe(
      "Ends an update's epochs once the policy has moved by more than 1.5 · target_kl nats per token.",
    ),
  target_kl: positiveFloat32().default(0.1).describe('See `early_stopping`; nats per token.'),
  max_new_tokens: count.default(20).describe('Longest response in tokens.'),
  top_k: z.int().min(0).max(1e9).default(0).describe('Sampling keeps the k likeliest tokens; 0 keeps all.'),
  top_p: positiveFloat32()
    .max(1)
    .default(0.95)
    .describe(
      'Sampling keeps the fewest likeliest tokens that hold this much probability together; 1 keeps all.',
    ),
  eval_prompts: count
    .default(128)
    .describe('Validation prompts that an evaluation continues, evenly spread over all.'),
})

export type PpoOptions = z.infer<typeof ppoOptionsSchema>

export type PpoGraphOptions = z.infer<typeof ppoGraphOptions>
