/** @module */
import type { Task } from '../task.ts'
import { groupFacts, withLocatedRewards } from './facts.ts'
import type { GrpoGraphOptions, GrpoOptions } from './options.ts'
import { grpoGraphOptions, grpoOptionsSchema } from './options.ts'

export const grpo: Task<GrpoGraphOptions, GrpoOptions, never> = {
  summary: 'a policy writes groups of answers, and learns which of a group are better',
  options: grpoOptionsSchema,
  graphOptions: grpoGraphOptions,
  ...groupFacts('grpo'),
  located: withLocatedRewards,
  work: async () => (await import('./work.ts')).grpoWork,
}
