/** @module */
import { z } from 'zod'

import type { ClassificationEvaluation } from './classification.ts'
import { labelSmoothing } from './label_smoothing.ts'
import { dropoutOption } from './noise_options.ts'
import type { Task } from './task.ts'

const options = z.strictObject({
  label_smoothing_factor: labelSmoothing('all classes'),
  dropout: dropoutOption,
})
export type ClassificationOptions = z.infer<typeof options>

export const classification: Task<ClassificationOptions, ClassificationOptions, ClassificationEvaluation> = {
  summary: 'learn to tell which class a text is of',
  options,
  graphOptions: z.object(options.shape),
  learnsFrom: 'classification',
  head: 'classes',
  metrics: ['eval_accuracy', 'eval_macro_f1'],
  rates: { full: 2 },
  refuses: { packing: 'a classifier reads one example at a time' },
  curves: [{ title: 'accuracy', curves: { training: 'accuracy', validation: 'eval_accuracy' } }],
  work: async () => (await import('./classification.ts')).classificationWork,
}
