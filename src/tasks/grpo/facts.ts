/** @module */
import { located } from '../../rewards/reward_source.ts'
import type { Task } from '../task.ts'
import type { GroupOptions } from './options.ts'

/** What is known of both tasks that learn from groups of completions. */
export const groupFacts = (
  task: string,
): Pick<
  Task,
  'learnsFrom' | 'head' | 'metrics' | 'rates' | 'refuses' | 'comparableLoss' | 'step' | 'curves'
> => ({
  learnsFrom: 'prompt',
  head: 'language',
  metrics: ['eval_reward'],
  rates: { adapters: 0.25, full: 0.25 },
  refuses: {
    packing: 'completions are as long as the policy makes them',
    plasticBlocks: 'refused',
    adapterDropout: 'ratios compare a policy with the one that wrote, which dropout would make another',
    savedModules: 'the reference is the model without its adapters, and has its embeddings in common',
    frozen: `lora "none" leaves the policy of task ${task} as it is; train lora or full`,
  },
  comparableLoss: false,
  step: 'update',
  curves: [
    { title: 'mean reward', curves: { training: 'reward', validation: 'eval_reward' } },
    {
      title: 'tokens per completion',
      curves: { training: 'completions/mean_length', validation: 'eval_completions/mean_length' },
    },
    { title: 'entropy (nats per token)', curves: { training: 'entropy' } },
    {
      title: 'share of groups whose rewards are equal',
      curves: { training: 'frac_reward_zero_std' },
    },
  ],
})

export const withLocatedRewards = <O extends Pick<GroupOptions, 'reward_funcs'>>(
  options: O,
  absolute: (path: string) => string,
): O => ({ ...options, reward_funcs: options.reward_funcs.map((source) => located(source, absolute)) })
