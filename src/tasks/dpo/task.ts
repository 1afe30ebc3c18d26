/** @module */
import { pairsRefuse, rewardsCurves } from '../pair_facts.ts'
import type { Task } from '../task.ts'
import type { DpoEvaluation } from './dpo.ts'
import type { DpoGraphOptions, DpoOptions } from './options.ts'
import { dpoGraphOptions, dpoOptions } from './options.ts'

export const dpo: Task<DpoGraphOptions, DpoOptions, DpoEvaluation> = {
  summary: 'learn a policy from pairs of answers, without a reward model',
  options: dpoOptions,
  graphOptions: dpoGraphOptions,
  learnsFrom: 'preference',
  head: 'language',
  metrics: ['eval_rewards/accuracies', 'eval_rewards/margins'],
  rates: { adapters: 0.25, full: 0.25 },
  refuses: {
    ...pairsRefuse('dpo'),
    savedModules: 'the reference is the model without its adapters, and has its embeddings in common',
  },
  located: ({ ref_model, ...options }, absolute) => ({
    ...options,
    ref_model: ref_model === null ? null : absolute(ref_model),
  }),
  curves: rewardsCurves('pairs where the chosen answer gains more'),
  work: async () => (await import('./work.ts')).dpoWork,
}
