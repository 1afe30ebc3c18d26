/** @module */
import { takeSample } from './examples.ts'
import { startRun } from './learning.ts'
import { task } from './state.ts'
import { tasks } from './tasks.ts'
import { compare } from './writing.ts'

/** Takes the first sample, learns from it, and writes before and after. */
export async function demonstrate(): Promise<void> {
  if (!(await takeSample(tasks[task.value].samples[0]!.file))) return
  jumpTo('learn')
  if (!(await startRun())) return
  jumpTo('compare')
  await compare()
}

const jumpTo = (section: string): void => document.getElementById(section)?.scrollIntoView()
