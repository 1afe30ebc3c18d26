/**
 * Learning-rate schedules, as in transformers' `get_scheduler`.
 * @module
 */
import type { TrainingOptions } from './options.ts'

export const SCHEDULES = ['linear', 'cosine', 'constant'] as const
export type ScheduleName = (typeof SCHEDULES)[number]

export interface Schedule {
  readonly name: ScheduleName
  readonly peak: number
  readonly warmupSteps: number
  readonly totalSteps: number
}

/** The schedule that a run's options ask for. */
export const scheduleOf = (options: TrainingOptions, totalSteps: number): Schedule => ({
  name: options.lr_scheduler_type,
  peak: options.learning_rate,
  warmupSteps: options.warmup_steps || Math.ceil(options.warmup_ratio * totalSteps),
  totalSteps,
})

/**
 * The learning rate of a step, counted from 0.
 *
 * Warm-up: peak·step/warmup. After it, with t = (step − warmup)/(total − warmup) in 0 … 1: linear peak·(1 − t), which is
 * peak·(total − step)/(total − warmup); cosine peak·(1 + cos πt)/2 (Loshchilov, Hutter: SGDR, 2017); constant peak.
 */
export function learningRate({ name, peak, warmupSteps, totalSteps }: Schedule, step: number): number {
  if (step < warmupSteps) return (peak * step) / Math.max(1, warmupSteps)
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps))
  switch (name) {
    case 'linear':
      return (peak * Math.max(0, totalSteps - step)) / Math.max(1, totalSteps - warmupSteps)
    case 'cosine':
      return (peak * (1 + Math.cos(Math.PI * progress))) / 2
    case 'constant':
      return peak
  }
}
