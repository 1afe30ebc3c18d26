/**
 * The options of KTO, the key `kto` of a configuration, under TRL's names.
 * @module
 */
import { z } from 'zod'

import { positiveFloat32 } from '../../float32_option.ts'
/** Those that the graphs depend on. */
export const ktoGraphOptions = z.object({
  beta: positiveFloat32().default(0.1).describe('How firmly the policy is held to the reference.'),
  desirable_weight: z.number().min(0).default(1).describe('Weight of desirable answers in the loss.'),
  undesirable_weight: z.number().min(0).default(1).describe('Weight of undesirable answers in the loss.'),
})

export const ktoOptions = z.strictObject({
  ...ktoGraphOptions.shape,
  loss_type: z
    .enum(['kto', 'apo_zero_unpaired'])
    .default('kto')
    .describe(
      "What an answer's reward is compared with: an estimate of how far the policy is from the reference, or 0.",
    ),
  ref_model: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe('A model, run or checkpoint to hold the policy to; null: the model that training starts from.'),
})

export type KtoGraphOptions = z.infer<typeof ktoGraphOptions>
export type KtoOptions = z.infer<typeof ktoOptions>

/** What a checkpoint can be chosen by: by how much desirable answers of the validation data gain more. */
export const MARGINS = 'eval_rewards/margins'
