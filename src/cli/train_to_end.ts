/** @module */
import type { Changes } from '../runs/change.ts'
import { finishOnSignal } from './interruption.ts'
import { trainingProgress } from './training_progress.ts'
import { printTrainingResult } from './training_result.ts'

/** Trains a run to its end, or until Ctrl-C, and prints what came of it. */
export async function trainToEnd(
  folder: string,
  { json = false, changes }: { readonly json?: boolean | undefined; readonly changes?: Changes } = {},
): Promise<void> {
  const { continueRun } = await import('../runs/continue.ts')
  const progress = trainingProgress()
  let totalSteps = 0
  const watcher = {
    ...progress,
    start(plan: { readonly totalSteps: number; readonly fromStep: number }) {
      totalSteps = plan.totalSteps
      progress.start?.(plan)
    },
  }
  const announce = () =>
    process.stderr.write('\nfinishing this step and writing a checkpoint; Ctrl-C again ends it at once\n')
  await finishOnSignal(announce, async (signal) => {
    const state = await continueRun(folder, watcher, { signal, ...(changes ? { changes } : {}) })
    const stopped = signal.aborted && state.global_step < totalSteps
    await printTrainingResult({ folder, state, ...(stopped ? { stoppedOf: totalSteps } : {}) }, json)
    if (!stopped && signal.aborted) process.exitCode = 0
  })
}
