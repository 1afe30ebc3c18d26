/** @module */
import { UserError } from '../errors.ts'
import { quote } from '../quote.ts'
import type { RewardFunction } from './reward_function.ts'
import type { RewardSample } from './reward_sample.ts'
import { sampleName } from './reward_sample.ts'

/** The same source of scores, of which there is one number per sample, no larger than a mean can hold, or an error. */
export const withCheckedScores = (reward: RewardFunction): RewardFunction => ({
  ...reward,
  score: async (samples) => checkScores(reward.name, samples, await reward.score(samples)),
})

/** Sums of many such scores are finite even in float32, whose largest number is 3.4e38. */
const LARGEST = 1e30

/** @throws UserError unless there is a finite number for each sample, of at most `LARGEST` */
function checkScores(name: string, samples: readonly RewardSample[], scores: unknown): number[] {
  if (!Array.isArray(scores) && !ArrayBuffer.isView(scores))
    throw new UserError(
      `${name} gave ${quote(scores)} for ${samples.length} samples; return a list of as many numbers`,
    )
  const list = Array.from(scores as ArrayLike<unknown>)
  if (list.length !== samples.length)
    throw new UserError(
      `${name} gave ${list.length === 1 ? 'one score' : `${list.length} scores`} for ${samples.length} samples, the first of them ${sampleName(samples[0]!)}; return one number for each`,
    )
  return list.map((score, i) => {
    if (typeof score === 'number' && Math.abs(score) <= LARGEST) return score
    throw new UserError(
      `${name} gave ${quote(score)} for ${sampleName(samples[i]!)}; a score must be a finite number${typeof score === 'number' && Number.isFinite(score) ? ` between -${LARGEST} and ${LARGEST}` : ''}`,
    )
  })
}
