/** @module */
import { z } from 'zod'

import type { RewardEvaluation } from './reward.ts'
import type { Task } from './task.ts'

/** How a reward model learns from pairs. */
const options = z.strictObject({
  center_rewards_coefficient: z
    .number()
    .min(0)
    .default(0)
    .describe('Weight of (s₊ + s₋)², which keeps scores around 0.'),
})

export type RewardOptions = z.infer<typeof options>

export const reward: Task<RewardOptions, RewardOptions, RewardEvaluation> = {
  summary: 'learn scores by which preferred answers get the higher ones',
  options,
  graphOptions: options,
  learnsFrom: 'preference',
  head: 'score',
  metrics: ['eval_accuracy', 'eval_margin'],
  rates: { adapters: 0.5 },
  refuses: { packing: 'a reward model reads one answer at a time', plasticBlocks: 'refused' },
  curves: [{ title: 'accuracy', curves: { training: 'accuracy', validation: 'eval_accuracy' } }],
  work: async () => (await import('./reward.ts')).rewardWork,
}
