/**
 * The options of GRPO and of RLOO, the keys `grpo` and `rloo` of a configuration, under the names of TRL 1.16's `GRPOConfig` and
 * `RLOOConfig`.
 * @module
 */
import { z } from 'zod'

import { positiveFloat32 } from '../../float32_option.ts'
import { rewardSourceSchema } from '../../rewards/reward_source.ts'

const count = z.int().min(1).max(1e6)
const generations = z.int().min(2).max(1e6)

/** The constants of both losses, which the graphs hold. */
const lossShape = {
  epsilon: positiveFloat32()
    .default(0.2)
    .describe('How far the ratio of probabilities may fall below 1 before it counts no further.'),
  epsilon_high: positiveFloat32()
    .nullable()
    .default(null)
    .describe('The same above 1 (DAPO: 0.28); null: as `epsilon`.'),
  temperature: positiveFloat32()
    .default(1)
    .describe('Of the distribution that completions are drawn from, whose log-probabilities are compared.'),
}

/** What is known of a step of either. */
const groupShape = {
  ...lossShape,
  reward_funcs: z
    .array(rewardSourceSchema)
    .min(1)
    .max(100)
    .describe(
      "What scores a completion: reward models, metrics against references, functions of the user's, patterns.",
    ),
  reward_weights: z
    .array(z.number().min(-1e6).max(1e6))
    .nullable()
    .default(null)
    .describe("What each of their scores weighs in a completion's reward; null: 1 each."),
  num_generations: generations
    .default(8)
    .describe('Completions that are drawn to a prompt and compared with each other, its group.'),
  steps_per_generation: count
    .nullable()
    .default(null)
    .describe(
      'Batches of `per_device_train_batch_size` completions that are drawn together, a multiple of `gradient_accumulation_steps`; null: as many as that.',
    ),
  num_iterations: count.default(1).describe('Passes over the completions.'),
  mask_truncated_completions: z
    .boolean()
    .default(false)
    .describe('Learns nothing from a completion that the policy did not end itself.'),
  max_completion_length: count.default(64).describe('Longest completion in tokens.'),
  top_k: z.int().min(0).max(1e9).default(0).describe('Sampling keeps the k likeliest tokens; 0 keeps all.'),
  top_p: positiveFloat32()
    .max(1)
    .default(1)
    .describe(
      'Sampling keeps the fewest likeliest tokens that hold this much probability together; 1 keeps all.',
    ),
  min_p: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe("Sampling keeps tokens of at least this share of the likeliest one's probability."),
  eval_prompts: count
    .default(128)
    .describe('Validation prompts that an evaluation completes once each, evenly spread over all.'),
}

const beta = z.number().min(0).max(1e6)

export const grpoGraphOptions = z.object({
  ...lossShape,
  importance_sampling_level: z
    .enum(['token', 'sequence'])
    .default('token')
    .describe('Whether the ratio is of each token, or the geometric mean over a completion (GSPO).'),
  delta: positiveFloat32()
    .nullable()
    .default(null)
    .describe(
      'The largest ratio that counts where an advantage is negative, above 1 + `epsilon`; null: none.',
    ),
  beta: beta
    .default(0)
    .describe('What a nat of divergence from the reference costs in the loss; 0 needs no reference.'),
  use_bias_correction_kl: z
    .boolean()
    .default(true)
    .describe('Multiplies the divergence by the ratio (DeepSeek-V3.2).'),
})

export const LOSS_TYPES = ['grpo', 'bnpo', 'dr_grpo', 'dapo'] as const

const grpoShape = z.strictObject({
  ...groupShape,
  ...grpoGraphOptions.shape,
  scale_rewards: z
    .enum(['group', 'batch', 'none'])
    .default('group')
    .describe(
      "What rewards less the group's mean are divided by: the group's standard deviation, that of all completions, or nothing.",
    ),
  loss_type: z
    .enum(LOSS_TYPES)
    .default('dapo')
    .describe(
      "What the loss is a mean over: a completion's tokens and then completions (grpo), a batch's tokens (bnpo), all tokens drawn (dapo), or completions of the longest length (dr_grpo).",
    ),
})

export const rlooGraphOptions = z.object(lossShape)

const rlooShape = z.strictObject({
  ...groupShape,
  num_generations: generations.default(2).describe('Completions that are drawn to a prompt and compared.'),
  beta: beta.default(0.05).describe('What a nat of divergence from the reference costs in the reward.'),
  normalize_advantages: z
    .boolean()
    .default(false)
    .describe('Scales the advantages of all completions to mean 0 and standard deviation 1.'),
  reward_clip_range: z
    .array(z.number().min(-1e6).max(1e6))
    .min(2)
    .max(2)
    .nullable()
    .default(null)
    .describe('The lowest and the highest reward that is learned from; null: as they are.'),
})

const asManyWeights = ({
  reward_funcs,
  reward_weights,
}: Pick<GroupOptions, 'reward_funcs' | 'reward_weights'>): boolean =>
  reward_weights === null || reward_weights.length === reward_funcs.length
const otherNumber = () => ({
  path: ['reward_weights'],
  error: 'it must have as many numbers as there are reward_funcs',
})

export const grpoOptionsSchema = grpoShape.refine(asManyWeights, otherNumber())
export const rlooOptionsSchema = rlooShape.refine(asManyWeights, otherNumber())

export type GrpoGraphOptions = z.infer<typeof grpoGraphOptions>
export type GrpoOptions = z.infer<typeof grpoShape>
export type RlooGraphOptions = z.infer<typeof rlooGraphOptions>
export type RlooOptions = z.infer<typeof rlooShape>
/** What both have. */
export type GroupOptions = Omit<RlooOptions, 'normalize_advantages' | 'reward_clip_range'>
export type LossType = (typeof LOSS_TYPES)[number]
