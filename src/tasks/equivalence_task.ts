/** @module */
import { z } from 'zod'

import type { NptEvaluation } from './npt_evaluation.ts'
import type { Task } from './task.ts'

/** How plastic blocks learn to do what the model's own blocks do. */
const options = z.strictObject({
  hidden_states: z
    .enum(['teacher', 'student'])
    .default('teacher')
    .describe(
      'What a plastic block is given: the hidden states of the model as it was, or those that plastic blocks before it make.',
    ),
  equivalence_weight: z
    .number()
    .min(0)
    .default(1)
    .describe("Weight of the squared difference of the blocks' outputs."),
  low_magnitude_weight: z
    .number()
    .min(0)
    .default(0.01)
    .describe("Weight of the blocks' own magnitude, which keeps updates small."),
  distillation_weight: z
    .number()
    .min(0)
    .default(0)
    .describe(
      "Weight of the divergence of the next token's distribution; with the student's hidden states only.",
    ),
})

export type EquivalenceOptions = z.infer<typeof options>

export const equivalence: Task<EquivalenceOptions, EquivalenceOptions, NptEvaluation> = {
  summary: "NPT phase 1: plastic blocks learn to do what the model's own blocks do",
  options,
  graphOptions: options,
  learnsFrom: 'sft',
  head: 'language',
  metrics: [],
  rates: { blocks: 1 / 16 },
  refuses: { plasticBlocks: 'needed' },
  work: async () => (await import('./equivalence.ts')).equivalenceWork,
}
