/**
 * The options of DPO, the key `dpo` of a configuration, under TRL's names.
 * @module
 */
import { z } from 'zod'

import { positiveFloat32 } from '../../float32_option.ts'
import { dpoLossTypes } from '../../../graphs/losses/dpo.ts'

/** Those that the graphs depend on. */
export const dpoGraphOptions = z.object({
  loss_type: z
    .enum(dpoLossTypes)
    .default('sigmoid')
    .describe('What is made of a pair’s difference Δ; the formulas are on the page of the task.'),
  beta: positiveFloat32().default(0.1).describe('How firmly the policy is held to the reference.'),
  label_smoothing: z
    .number()
    .min(0)
    .lt(0.5)
    .default(0)
    .describe('Share of the pairs that are believed to be the wrong way round.'),
  length_normalised: z
    .boolean()
    .default(false)
    .describe("Divides an answer's log-probability by its tokens; ipo does so by definition."),
  rpo_alpha: z
    .number()
    .min(0)
    .default(0)
    .describe("Weight of the chosen answer's own loss per token, which keeps it likely."),
})

export const dpoOptions = z.strictObject({
  ...dpoGraphOptions.shape,
  ref_model: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe('A model, run or checkpoint to hold the policy to; null: the model that training starts from.'),
  precompute_ref_log_probs: z
    .boolean()
    .default(true)
    .describe(
      "Computes the reference's log-probabilities once, before training, and keeps them with the run.",
    ),
})

export type DpoGraphOptions = z.infer<typeof dpoGraphOptions>
export type DpoOptions = z.infer<typeof dpoOptions>
