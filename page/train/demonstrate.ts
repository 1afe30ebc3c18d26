/** @module */
import { takeSample } from './examples.ts'
import { jumpTo } from './jump_to.ts'
import { startRun } from './learning.ts'
import { form, task } from './state.ts'
import { tasks } from './tasks.ts'
import { compare } from './writing.ts'

/** So high that a few steps are seen in what is written. */
const RATE = '0.004'

/** Takes the first sample, learns from it, and writes before and after. */
export async function demonstrate(): Promise<void> {
  if (!(await takeSample(tasks[task.value].samples[0]!.file))) return
  form.rate.value = RATE
  jumpTo('learn')
  if (!(await startRun())) return
  jumpTo('compare')
  await compare()
}
