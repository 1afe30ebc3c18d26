/** @module */
import { z } from 'zod'

import {
  consolidationSchema,
  dpoSchema,
  equivalenceSchema,
  ppoLossSchema,
  rewardSchema,
} from '../formats/manifest.ts'
import type { RunConfig } from './config.ts'
import type { TaskFacts } from './task_graphs.ts'

/** The part of a configuration that describes its task. */
export type TaskOptions = Pick<
  RunConfig,
  'task' | 'pooling' | 'classifier_dropout' | 'equivalence' | 'consolidation' | 'reward' | 'dpo' | 'ppo'
>

/** What a configuration says about its task, as a manifest keeps it. */
export function factsOf(config: TaskOptions, classes: readonly string[]): Omit<TaskFacts, 'lora' | 'npt'> {
  const { task, pooling, classifier_dropout: dropout } = config
  switch (task) {
    case 'sft':
      return { head: null }
    case 'classification':
      return { head: { classes, pooling, dropout } }
    case 'equivalence':
      return { head: null, equivalence: equivalenceSchema.parse(config.equivalence ?? {}) }
    case 'consolidation':
      return { head: null, consolidation: consolidationSchema.parse(config.consolidation ?? {}) }
    case 'reward':
      return {
        head: { classes: ['reward'], pooling, dropout },
        reward: rewardSchema.parse(config.reward ?? {}),
      }
    case 'dpo':
      return { head: null, dpo: z.object(dpoSchema.shape).parse(config.dpo ?? {}) }
    case 'ppo':
      return { head: null, ppo: z.object(ppoLossSchema.shape).parse(config.ppo ?? {}) }
  }
}
