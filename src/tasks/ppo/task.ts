/** @module */
import { located } from '../../rewards/reward_source.ts'
import type { Task } from '../task.ts'
import type { PpoGraphOptions, PpoOptions } from './options.ts'
import { ppoGraphOptions, ppoOptionsSchema } from './options.ts'

export const ppo: Task<PpoGraphOptions, PpoOptions, never> = {
  summary: 'a policy writes, is scored, and learns from the scores',
  options: ppoOptionsSchema,
  graphOptions: ppoGraphOptions,
  learnsFrom: 'prompt',
  head: 'language',
  metrics: ['eval_reward'],
  rates: { adapters: 0.25, full: 0.25 },
  refuses: {
    packing: 'responses are as long as the policy makes them',
    plasticBlocks: 'refused',
    adapterDropout: 'ratios compare a policy with the one that wrote, which dropout would make another',
    savedModules: 'the reference is the model without its adapters, and has its embeddings in common',
    frozen: 'lora "none" leaves the policy of task ppo as it is; train lora or full',
  },
  located: (options, absolute) => ({ ...options, reward: located(options.reward, absolute) }),
  comparableLoss: false,
  step: 'update',
  curves: [
    { title: 'mean reward', curves: { training: 'env/reward_mean', validation: 'eval_reward' } },
    {
      title: 'KL to the reference (nats per response)',
      curves: { training: 'objective/kl', validation: 'eval_kl' },
    },
    {
      title: 'tokens per response',
      curves: { training: 'tokens/responses_len_mean', validation: 'eval_length' },
    },
  ],
  work: async () => (await import('./work.ts')).ppoWork,
}
