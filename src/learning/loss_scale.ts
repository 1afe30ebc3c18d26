/**
 * Dynamic loss scaling: gradients of float16 are computed times a power of two, which a step whose gradients are not finite halves,
 * and which many good steps in a row double. Micikevicius et al.: Mixed Precision Training (2017); numbers are those of PyTorch's
 * `GradScaler`.
 * @module
 */
import { z } from 'zod'

import { LOSS_SCALE } from '../../graphs/autodiff.ts'
import type { Feeds, Session } from '../runtime/session.ts'
import type { OptimizerStep } from '../runtime/training_state.ts'

/** Steps without a fault after which the scale is doubled. */
const GROWTH_INTERVAL = 2000
/** Beyond it a doubled scale would be no float32. */
const LARGEST = 2 ** 127

export const lossScaleSchema = z.strictObject({
  /** What gradients are multiplied by, a power of two. */
  scale: z.number().min(1).max(LARGEST),
  /** Steps since it changed. */
  good_steps: z
    .int()
    .min(0)
    .max(GROWTH_INTERVAL - 1),
  /** Optimizer steps that were left out so far. */
  skipped: z.int().min(0),
})

export type LossScale = z.infer<typeof lossScaleSchema>

export const initialLossScale: LossScale = { scale: 65536, good_steps: 0, skipped: 0 }

/** @param skipped whether the step was left out, as its gradients were not finite */
export function nextLossScale(
  { scale, good_steps, skipped: before }: LossScale,
  skipped: boolean,
): LossScale {
  if (skipped) return { scale: Math.max(1, scale / 2), good_steps: 0, skipped: before + 1 }
  const good = good_steps + 1
  return good < GROWTH_INTERVAL
    ? { scale, good_steps: good, skipped: before }
    : { scale: Math.min(LARGEST, scale * 2), good_steps: 0, skipped: before }
}

/** The scale that a run's next step has; undefined where its training graph takes none. */
export const lossScaleOf = (
  training: Pick<Session, 'inputNames'>,
  state: { readonly loss_scale?: LossScale | undefined },
): LossScale | undefined =>
  training.inputNames.includes(LOSS_SCALE) ? (state.loss_scale ?? initialLossScale) : undefined

/** What a training graph is fed. */
export const lossScaleFeeds = (at: LossScale | undefined): Feeds =>
  at ? { [LOSS_SCALE]: { dtype: 'float32', dims: [], data: Float32Array.of(at.scale) } } : {}

/** At scale 1 a gradient that is not finite is no matter of the scale any more, and stops the run. */
export const skipping = (at: LossScale | undefined): Pick<OptimizerStep, 'skipNotFinite' | 'remedy'> => {
  if (!at) return {}
  return at.scale > 1
    ? { skipNotFinite: true }
    : { remedy: 'float16 has no room for it at a loss scale of 1 either; set precision to bf16 or fp32' }
}
