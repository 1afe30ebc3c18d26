/** @module */
import { groupFacts, withLocatedRewards } from './grpo/facts.ts'
import type { RlooGraphOptions, RlooOptions } from './grpo/options.ts'
import { rlooGraphOptions, rlooOptionsSchema } from './grpo/options.ts'
import type { Task } from './task.ts'

/** GRPO but for its estimator; see `grpo/estimator.ts`. */
export const rloo: Task<RlooGraphOptions, RlooOptions, never> = {
  summary: "the same by REINFORCE, each answer against the mean of its group's others",
  options: rlooOptionsSchema,
  graphOptions: rlooGraphOptions,
  ...groupFacts('rloo'),
  located: withLocatedRewards,
  work: async () => (await import('./grpo/work.ts')).rlooWork,
}
