/** @module */
import type { RewardSample } from './reward_sample.ts'

/** What scores the responses of a policy. */
export interface RewardFunction {
  /** What errors and logs call it. */
  readonly name: string
  /** One score per sample, in their order; the higher the better. */
  score(samples: readonly RewardSample[]): Promise<number[]>
  release(): Promise<void>
}
