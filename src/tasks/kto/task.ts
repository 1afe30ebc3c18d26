/** @module */
import type { Task } from '../task.ts'
import type { KtoEvaluation } from './kto.ts'
import type { KtoGraphOptions, KtoOptions } from './options.ts'
import { ktoGraphOptions, ktoOptions, MARGINS } from './options.ts'

export const kto: Task<KtoGraphOptions, KtoOptions, KtoEvaluation> = {
  summary: 'learn a policy from answers that are each desirable or not, without pairs',
  options: ktoOptions,
  graphOptions: ktoGraphOptions,
  learnsFrom: 'unpaired',
  head: 'language',
  metrics: [MARGINS],
  rates: { adapters: 0.25, full: 0.25 },
  refuses: {
    packing: 'each answer is judged in a row of its own',
    plasticBlocks: 'refused',
    savedModules: 'the reference is the model without its adapters, and has its embeddings in common',
    frozen: 'lora "none" leaves the policy of task kto as it is; train lora or full',
  },
  located: ({ ref_model, ...options }, absolute) => ({
    ...options,
    ref_model: ref_model === null ? null : absolute(ref_model),
  }),
  curves: [
    {
      title: 'implicit reward of the answers',
      curves: { desirable: 'rewards/chosen', undesirable: 'rewards/rejected' },
    },
    {
      title: 'how much more desirable answers gain',
      curves: { training: 'rewards/margins', validation: MARGINS },
    },
    {
      title: 'z₀, the divergence that rewards are compared with',
      curves: { training: 'kl', validation: 'eval_kl' },
    },
  ],
  work: async () => (await import('./work.ts')).ktoWork,
}
