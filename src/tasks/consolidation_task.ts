/** @module */
import { z } from 'zod'

import type { ConsolidationEvaluation } from './consolidation.ts'
import type { Task } from './task.ts'

export const FOLDS = ['mean', 'last', 'weighted'] as const

/** How a text's tokens are weighed: all alike, the last alone, or the later the more. */
export type Fold = (typeof FOLDS)[number]

/** How plastic blocks learn to keep what a text says. */
const options = z.strictObject({
  fold: z
    .enum(FOLDS)
    .default('mean')
    .describe(
      "How the modulations of a text's tokens are folded into one: all alike, the last alone, or the later the more.",
    ),
  damage_weight: z
    .number()
    .min(0)
    .default(1)
    .describe("Weight of what a text's update changes on other texts."),
})

export type ConsolidationOptions = z.infer<typeof options>

export const consolidation: Task<ConsolidationOptions, ConsolidationOptions, ConsolidationEvaluation> = {
  summary: 'NPT phase 3: plastic blocks learn to fold a text into a lasting update',
  options,
  graphOptions: options,
  learnsFrom: 'sft',
  head: 'language',
  metrics: [],
  rates: { blocks: 3 },
  refuses: { packing: 'each text makes an update of its own', plasticBlocks: 'needed' },
  work: async () => (await import('./consolidation.ts')).consolidationWork,
}
