/** @module */
import { z } from 'zod'

import { located } from '../../rewards/reward_source.ts'
import type { Task } from '../task.ts'
import type { NeuroplasticOptions } from './options.ts'
import { neuroplasticOptionsSchema } from './options.ts'
import type { NeuroplasticFound } from './work.ts'

export const neuroplastic: Task<object, NeuroplasticOptions, NeuroplasticFound> = {
  summary: 'learn completions with terms for length, meaning, diversity and references',
  options: neuroplasticOptionsSchema,
  graphOptions: z.object({}),
  learnsFrom: 'sft',
  head: 'language',
  metrics: ['eval_reward', 'eval_cosine', 'eval_entropy', 'eval_bleu', 'eval_meteor'],
  refuses: {
    packing: 'each sequence is one prompt and its response',
    plasticBlocks: 'refused',
    adapterDropout: 'the model that writes is the one that learns',
    frozen: 'lora "none" leaves the model of task neuroplastic as it is; train lora or full',
  },
  writes: true,
  located: ({ reward, ...options }, absolute) => ({
    ...options,
    ...(reward ? { reward: located(reward, absolute) } : {}),
  }),
  comparableLoss: false,
  curves: [
    {
      title: 'cross-entropy (nats)',
      curves: { training: 'terms/cross_entropy', validation: 'eval_loss' },
    },
    { title: 'minus the terms of greedy responses', curves: { validation: 'eval_reward' } },
    {
      title: 'tokens per response',
      curves: { training: 'tokens/responses_len_mean', validation: 'eval_length' },
    },
    {
      title: 'norm of what terms add to the gradients',
      decades: true,
      curves: {
        length: 'terms/length_grad_norm',
        semantic: 'terms/semantic_grad_norm',
        entropy: 'terms/entropy_grad_norm',
        reference: 'terms/reference_grad_norm',
      },
    },
  ],
  work: async () => (await import('./work.ts')).neuroplasticWork,
}
