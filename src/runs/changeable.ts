/** @module */
import type { RunConfig } from './config.ts'

/** The options of a run that may be others when it goes on; `change.ts` says why. */
export const CHANGEABLE = [
  'max_steps',
  'num_train_epochs',
  'learning_rate',
  'lr_scheduler_type',
  'warmup_steps',
  'warmup_ratio',
  'eval_steps',
  'save_steps',
  'early_stopping_patience',
  'per_device_eval_batch_size',
  'provider',
  'threads',
  'prepacking',
] as const satisfies (keyof RunConfig)[]
