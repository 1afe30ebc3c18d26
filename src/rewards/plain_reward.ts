/** @module */
import type { RewardFunction } from './reward_function.ts'
import { bareResponse } from './reward_sample.ts'
import type { RewardSource } from './reward_source.ts'
import { rewardPattern } from './reward_source.ts'

/** A source that needs no file: a metric of texts, or a pattern that is looked for in responses. */
export type PlainSource = Extract<RewardSource, { readonly metric: string } | { readonly pattern: string }>

export const isPlain = (source: RewardSource): source is PlainSource =>
  'metric' in source || 'pattern' in source

export function plainReward(source: PlainSource): RewardFunction {
  const release = () => Promise.resolve()
  if ('pattern' in source) {
    const pattern = rewardPattern(source.pattern)
    return {
      name: `the pattern ${source.pattern}`,
      score: async (samples) => samples.map((sample) => (pattern.test(bareResponse(sample)) ? 1 : 0)),
      release,
    }
  }
  const { metric } = source
  return {
    name: `the metric ${metric}`,
    async score(samples) {
      const { scoreByMetric } = await import('./reward_metrics.ts')
      return samples.map((sample) => scoreByMetric(metric, sample))
    },
    release,
  }
}
