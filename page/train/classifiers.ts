/** @module */
import { computed } from '@preact/signals'

import { adapters, runs } from './state.ts'
import { namesClasses } from './tasks.ts'

/** What can say which class a text is of. */
export const classifiers = computed(() => ({
  runs: runs.value.filter(({ task, step }) => namesClasses(task) && step > 0),
  adapters: adapters.value.filter(({ classes }) => classes.length > 0),
}))
