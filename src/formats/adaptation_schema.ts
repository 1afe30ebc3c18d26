/** @module */
import { z } from 'zod'

import { positiveFloat32 } from '../float32_option.ts'
export const loraConfigSchema = z.strictObject({
  r: z.int().min(1).max(4096).default(8).describe('Rank of the adapters.'),
  lora_alpha: positiveFloat32().default(16).describe("The adapters' output is scaled by lora_alpha / r."),
  use_rslora: z
    .boolean()
    .optional()
    .describe('Rank-stabilised: the scale is lora_alpha / √r, which suits high ranks; left out: false.'),
  lora_dropout: z
    .number()
    .min(0)
    .lt(1)
    .optional()
    .describe('Probability of dropping a feature of what goes into an adapter, in training; left out: 0.'),
  modules_to_save: z
    .array(z.string().min(1, 'a module that is trained whole must have a name'))
    .optional()
    .describe(
      'Embeddings and a head that are trained whole and saved beside the adapters, such as `wte`, `embed_tokens`, `lm_head`; a head that is tied to an embedding stays as it is, unless it is named too.',
    ),
  target_modules: z.array(z.string().min(1, 'a module with adapters must have a name')).min(1),
})

/** Adapters; `full` trains every parameter; `none` leaves the model as it is and trains a head alone. */
export const adaptationSchema = z.union([z.literal('full'), z.literal('none'), loraConfigSchema])

/** Of how many blocks the backward pass computes the values once more, from what goes into the first; `true` is 1. */
export const gradientCheckpointingSchema = z.union([z.boolean(), z.int().min(1)])
