/** @module */
import type { Listener } from '../learning/listeners.ts'
import type { Changes } from '../runs/change.ts'
import { adviserOf } from './advised.ts'
import { finishOnSignal } from './interruption.ts'
import { trainingProgress } from './training_progress.ts'
import { printTrainingResult } from './training_result.ts'

export interface TrainToEndOptions {
  readonly json?: boolean | undefined
  readonly changes?: Changes
  readonly trustReward?: boolean | undefined
  /** What shows how it goes. */
  readonly progress?: Listener
}

/** Trains a run to its end, or until Ctrl-C, and prints what came of it. */
export async function trainToEnd(
  folder: string,
  { json = false, changes, trustReward = false, progress = trainingProgress() }: TrainToEndOptions = {},
): Promise<void> {
  const { continueRun } = await import('../runs/continue.ts')
  const { listenersAsOne } = await import('../learning/listeners.ts')
  const adviser = await adviserOf(folder)
  let totalSteps = 0
  const plan: Listener = { start: (plan) => void (totalSteps = plan.totalSteps) }
  const watcher = listenersAsOne([plan, progress, adviser.listener])
  const stopped = await finishOnSignal(async (signal) => {
    const state = await continueRun(folder, watcher, { signal, trustReward, ...(changes ? { changes } : {}) })
    const stopped = signal.aborted && state.global_step < totalSteps
    const { said: advice } = adviser
    await printTrainingResult({ folder, state, advice, ...(stopped ? { stoppedOf: totalSteps } : {}) }, json)
    return stopped
  })
  if (!stopped) process.exitCode = 0
}
