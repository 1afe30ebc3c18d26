/** @module */
import type { Filled } from './settings.ts'
import { form, task, template } from './state.ts'

/** What is filled in, as it is now. */
export const filled = (): Filled => ({
  task: task.value,
  steps: form.steps.value,
  batch: form.batch.value,
  rank: form.rank.value,
  rate: form.rate.value,
  seed: form.seed.value,
  more: form.more.value,
  template: template.value,
})
