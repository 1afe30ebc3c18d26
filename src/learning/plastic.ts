/**
 * What a run makes of the plastic update's options at each step.
 * @module
 */
import type { PlasticConfig, ThirdFactor } from '../../graphs/optimizers/plastic.ts'
import type { PlasticStep } from '../runtime/training_state.ts'
import type { TrainingOptions } from './options.ts'

/** r = byGradient·g + constant. */
const THIRD_FACTOR: Readonly<Record<ThirdFactor, (improvement: number) => PlasticStep['thirdFactor']>> = {
  published: () => ({ byGradient: -1, constant: 0 }),
  reward: (improvement) => ({ byGradient: 0, constant: improvement }),
  none: () => ({ byGradient: 0, constant: 1 }),
}

/** @param improvement the step's reward minus its running mean */
export const plasticStep = (options: PlasticConfig, improvement: number): PlasticStep => ({
  plasticityLr: options.plasticity_lr,
  gamma: options.gamma,
  beta: options.beta,
  lambdaDecay: options.lambda_decay,
  thirdFactor: THIRD_FACTOR[options.third_factor](improvement),
})

/** Whether steps are to tell how good they were. */
export const wantsReward = ({ plastic }: Pick<TrainingOptions, 'plastic'>): boolean =>
  plastic?.third_factor === 'reward'

/** What is left of the mean at each step. */
const KEPT = 0.9

/** r̄ ← 0.9·r̄ + 0.1·r, which begins with the first reward: that one is neither better nor worse than usual. */
export const runningMean = (mean: number | undefined, reward: number): number =>
  mean === undefined ? reward : KEPT * mean + (1 - KEPT) * reward

/** r − r̄, with the mean of the steps before. */
export const improvementOf = (mean: number | undefined, reward: number): number =>
  mean === undefined ? 0 : reward - mean
