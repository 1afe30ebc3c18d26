/**
 * The options of PPO, the key `ppo` of a configuration, under the names of TRL 0.11's `PPOConfig`.
 * @module
 */
import { z } from 'zod'

import { rewardSourceSchema } from '../../rewards/reward_source.ts'

const count = z.int().min(1).max(1e6)

const KL_PENALTIES = ['kl', 'abs', 'mse'] as const

/** The constants of the losses, which the graphs hold. */
export const ppoGraphOptions = z.object({
  /** How far a token's probability may move, as a factor 1 ± this, before it counts no further. */
  cliprange: z.number().positive().default(0.2),
  /** How far a value may move from the one before the update. */
  cliprange_value: z.number().positive().default(0.2),
  /** Share of the value loss in the loss. */
  vf_coef: z.number().min(0).default(0.1),
  /** Share of the entropy, which is taken off. */
  entropy_coef: z.number().min(0).default(0),
  /** Of the distribution that responses are drawn from, whose log-probabilities are compared. */
  temperature: z.number().positive().default(0.7),
})

export const ppoOptionsSchema = z.strictObject({
  ...ppoGraphOptions.shape,
  /** What scores a response: a reward model, a metric against references, or a function of the user's. */
  reward: rewardSourceSchema,
  /** Responses of an update. */
  batch_size: count.default(16),
  /** Responses of one run of the training graph. */
  mini_batch_size: count.default(8),
  /** Passes over an update's responses. */
  ppo_epochs: count.default(4),
  /** What a nat of divergence from the reference costs, at the start. */
  init_kl_coef: z.number().min(0).default(0.2),
  /** Steers the cost so that the divergence of a response comes near `target`; else it stays. */
  adap_kl_ctrl: z.boolean().default(true),
  /** Divergence of a response from the reference, in nats, that the controller aims at. */
  target: z.number().positive().default(0.05),
  /** Responses over which the controller may change the cost by a fifth of itself. */
  horizon: z.number().positive().default(10_000),
  /** A token's divergence: log π − log π_ref, its absolute value, or half its square. */
  kl_penalty: z.enum(KL_PENALTIES).default('kl'),
  gamma: z.number().min(0).max(1).default(1),
  lam: z.number().min(0).max(1).default(0.95),
  /** Scores are clamped to ± this; null: taken as they are. */
  score_clip: z.number().positive().nullable().default(1),
  /** Taken off the score of a response that the policy did not end itself; null: nothing. */
  missing_eos_penalty: z.number().positive().nullable().default(null),
  /** Divides the rewards of an update's tokens by their standard deviation. */
  whiten_rewards: z.boolean().default(false),
  /** Ends an update's epochs once the policy has moved by more than 1.5 · target_kl nats per token. */
  early_stopping: z.boolean().default(true),
  target_kl: z.number().positive().default(0.1),
  max_new_tokens: count.default(20),
  /** Sampling keeps the k likeliest tokens; 0 keeps all. */
  top_k: z.int().min(0).max(1e9).default(0),
  /** Sampling keeps the fewest likeliest tokens that hold this much probability together; 1 keeps all. */
  top_p: z.number().positive().max(1).default(0.95),
  /** Validation prompts that an evaluation continues, evenly spread over all. */
  eval_prompts: count.default(128),
})

export type PpoOptions = z.infer<typeof ppoOptionsSchema>

export type PpoGraphOptions = z.infer<typeof ppoGraphOptions>
