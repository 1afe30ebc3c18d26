/**
 * The options of a training run, under transformers' `TrainingArguments` names. What each means is said in the schema, from which
 * `docs/configuration.md` is written.
 * @module
 */
import { z } from 'zod'

import { positiveFloat32 } from '../float32_option.ts'
import type { AdamWConfig } from '../../graphs/optimizers/adamw.ts'
import { THIRD_FACTORS } from '../../graphs/optimizers/plastic.ts'
import { SCHEDULES } from './schedule.ts'

const count = z.int().min(1).max(1e9)
const optionalCount = count.nullable().default(null)

/** The highest learning rate that may be asked for. */
export const HIGHEST_RATE = 10

/** What follows AdamW's step on weight matrices; formulas and published values in `docs/plasticity.md`. */
export const plasticOptionsSchema = z.strictObject({
  plasticity_lr: z
    .number()
    .min(0)
    .max(1)
    .default(1e-6)
    .describe('η, the rate of the plastic update; 0 leaves the weights to AdamW.'),
  gamma: z
    .number()
    .min(0)
    .lt(1)
    .default(0.95)
    .describe('γ, what is left of a trace after a step; at 0 there is no memory.'),
  beta: z.number().min(0).max(1e6).default(1).describe('β, the strength of the traces in the update.'),
  lambda_decay: z
    .number()
    .min(0)
    .max(1)
    .default(0.01)
    .describe('λ, the decay of weights: each step takes the part η·λ of them.'),
  third_factor: z
    .enum(THIRD_FACTORS)
    .default('published')
    .describe(
      "r: minus the weight's own gradient (`published`); the step's reward minus its running mean, one number for all weights (`reward`); or 1 (`none`).",
    ),
})

export const trainingOptionsSchema = z.strictObject({
  seed: z
    .int()
    .min(0)
    .max(2 ** 31)
    .default(42)
    .describe('Everything random is drawn from it: equal runs give equal bytes.'),
  max_steps: optionalCount.describe(
    'Ends the run after so many steps, of the optimizer or, of tasks ppo, grpo and rloo, updates; null: after `num_train_epochs`.',
  ),
  num_train_epochs: z
    .number()
    .positive()
    .max(1e6)
    .default(3)
    .describe('Passes over the training data, where `max_steps` is null.'),
  per_device_train_batch_size: count
    .default(8)
    .describe(
      'Examples that are computed together; pairs, where the data is pairs; filled sequences with `packing`.',
    ),
  per_device_eval_batch_size: count.default(8).describe('The same in evaluations.'),
  gradient_accumulation_steps: count.default(1).describe('Batches of an optimizer step.'),
  learning_rate: positiveFloat32()
    .max(HIGHEST_RATE)
    .default(5e-5)
    .describe('The highest one, which the warm-up ends at.'),
  lr_scheduler_type: z
    .enum(SCHEDULES)
    .default('linear')
    .describe('How the learning rate goes on from there: to 0 along a line or a cosine, or not at all.'),
  warmup_steps: z.int().min(0).default(0).describe('Steps over which the learning rate rises from 0.'),
  warmup_ratio: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe('The same as a fraction of all steps, where `warmup_steps` is 0.'),
  weight_decay: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe("AdamW's decay of weights; biases and layer norms do not decay."),
  adam_beta1: z.number().min(0).lt(1).default(0.9).describe("AdamW's β₁, of the gradients' mean."),
  adam_beta2: z.number().min(0).lt(1).default(0.999).describe("AdamW's β₂, of their squares' mean."),
  adam_epsilon: positiveFloat32().default(1e-8).describe("AdamW's ε, which is added to the denominator."),
  max_grad_norm: z
    .number()
    .min(0)
    .default(1)
    .describe('Global gradient norm to clip to; 0 leaves gradients as they are.'),
  eval_steps: optionalCount.describe(
    'Evaluate every so many steps; null: at the end of each epoch. The last step is always evaluated.',
  ),
  save_steps: optionalCount.describe(
    'Write `checkpoints/last` every so many steps; null: whenever the run evaluates.',
  ),
  metric_for_best_model: z
    .string()
    .min(1)
    .max(100)
    .default('eval_loss')
    .describe(
      'What makes a checkpoint the best one: the lowest loss, or the highest of another metric that the task has.',
    ),
  plastic: plasticOptionsSchema
    .nullish()
    .describe('Eligibility traces and a plastic update after each step of AdamW; null or left out: none.'),
  packing: z
    .boolean()
    .default(false)
    .describe('Fill each sequence up to `max_length` with whole examples, which do not see each other.'),
  early_stopping_patience: optionalCount.describe(
    'Stop after so many evaluations in a row without a better metric; null: never.',
  ),
})

export type TrainingOptions = z.infer<typeof trainingOptionsSchema>

/** The constants that the optimizer graph holds. */
export const adamwConfig = (options: TrainingOptions): AdamWConfig => ({
  beta1: options.adam_beta1,
  beta2: options.adam_beta2,
  epsilon: options.adam_epsilon,
  weight_decay: options.weight_decay,
  max_grad_norm: options.max_grad_norm || null,
})
