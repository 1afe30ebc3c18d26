/**
 * The optimizer's steps within an update that takes several of them: what they are like together, and how the next update goes on.
 * @module
 */
import { moments } from '../metrics/moments.ts'
import type { TrainingState } from '../runtime/training_state.ts'
import { optimizerStep } from './loop.ts'
import type { LossScale } from './loss_scale.ts'
import { nextLossScale, skipping } from './loss_scale.ts'
import type { TrainingOptions } from './options.ts'

export interface UpdateStart {
  readonly options: TrainingOptions
  readonly tensors: Pick<TrainingState, 'accumulate' | 'step'>
  /** Learning rate. */
  readonly rate: number
  /** By how much its reward is better than usual. */
  readonly improvement?: number | undefined
  /** What its gradients are scaled by, of float16. */
  readonly lossScale?: LossScale | undefined
  /** AdamW's steps before it. */
  readonly optimizerSteps: number
}

export interface UpdateEnd {
  /** Mean over the optimizer's steps, before clipping. */
  readonly gradNorm: number
  /** Of eligibility traces, after the last of them. */
  readonly eligibilityNorm: number | undefined
  /** For the next update. */
  readonly lossScale: LossScale | undefined
  /** AdamW's steps so far. */
  readonly optimizerSteps: number
}

export function optimizerOfUpdate({ options, tensors, rate, improvement, ...start }: UpdateStart) {
  let scale = start.lossScale
  let eligibilityNorm: number | undefined
  const gradNorms: number[] = []
  return {
    scale: (): LossScale | undefined => scale,
    /** Adds a batch's gradients to those of the step, where it has several. */
    async accumulate(): Promise<void> {
      if (options.gradient_accumulation_steps > 1) await tensors.accumulate()
    },
    async step(): Promise<void> {
      const number = start.optimizerSteps + gradNorms.length + 1
      const stepped = await tensors.step({
        ...optimizerStep(options, number, rate, improvement),
        ...skipping(scale),
      })
      if (!stepped.skipped) {
        gradNorms.push(stepped.gradNorm)
        eligibilityNorm = stepped.eligibilityNorm
      }
      scale &&= nextLossScale(scale, stepped.skipped)
    },
    end: (): UpdateEnd => ({
      gradNorm: gradNorms.length === 0 ? 0 : moments(gradNorms).mean,
      eligibilityNorm,
      lossScale: scale,
      optimizerSteps: start.optimizerSteps + gradNorms.length,
    }),
  }
}
