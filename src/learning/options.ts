/**
 * The options of a training run, under transformers' `TrainingArguments` names.
 * @module
 */
import { z } from 'zod'

import type { AdamWConfig } from '../../graphs/optimizers/adamw.ts'
import { SCHEDULES } from './schedule.ts'

const count = z.int().min(1).max(1e9)
const optionalCount = count.nullable().default(null)

export const trainingOptionsSchema = z.strictObject({
  seed: z
    .int()
    .min(0)
    .max(2 ** 31)
    .default(42),
  /** Ends the run after so many optimizer steps; null: after `num_train_epochs`. */
  max_steps: optionalCount,
  num_train_epochs: z.number().positive().max(1e6).default(3),
  per_device_train_batch_size: count.default(8),
  per_device_eval_batch_size: count.default(8),
  gradient_accumulation_steps: count.default(1),
  learning_rate: z.number().positive().max(10).default(5e-5),
  lr_scheduler_type: z.enum(SCHEDULES).default('linear'),
  /** Steps; or a fraction of all steps with `warmup_ratio`. */
  warmup_steps: z.int().min(0).default(0),
  warmup_ratio: z.number().min(0).max(1).default(0),
  weight_decay: z.number().min(0).max(1).default(0),
  adam_beta1: z.number().min(0).lt(1).default(0.9),
  adam_beta2: z.number().min(0).lt(1).default(0.999),
  adam_epsilon: z.number().positive().default(1e-8),
  /** Global gradient norm to clip to; 0 leaves gradients as they are. */
  max_grad_norm: z.number().min(0).default(1),
  /** Evaluate every so many steps; null: at the end of each epoch. The last step is always evaluated. */
  eval_steps: optionalCount,
  /** Write `checkpoints/last` every so many steps; null: whenever the run evaluates. */
  save_steps: optionalCount,
  /** What makes a checkpoint the best one: the lowest loss, or the highest of another metric that the task has. */
  metric_for_best_model: z.string().min(1).max(100).default('eval_loss'),
  /** Fill each sequence up to max_length with whole examples, which do not see each other. */
  packing: z.boolean().default(false),
  /** Stop after so many evaluations in a row without a better metric; null: never. */
  early_stopping_patience: optionalCount,
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
