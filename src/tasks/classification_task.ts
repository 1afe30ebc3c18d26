/** @module */
import { z } from 'zod'

import type { ClassificationEvaluation } from './classification.ts'
import type { Task } from './task.ts'

const options = z.strictObject({})

export const classification: Task<object, object, ClassificationEvaluation> = {
  summary: 'learn to tell which class a text is of',
  options,
  graphOptions: options,
  learnsFrom: 'classification',
  head: 'classes',
  metrics: ['eval_accuracy', 'eval_macro_f1'],
  rates: { full: 2 },
  refuses: { packing: 'a classifier reads one example at a time' },
  curves: [{ title: 'accuracy', curves: { training: 'accuracy', validation: 'eval_accuracy' } }],
  work: async () => (await import('./classification.ts')).classificationWork,
}
