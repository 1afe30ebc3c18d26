/** @module */
import type { Listener, StoppedAt } from '../learning/listeners.ts'
import type { Changes } from '../runs/change.ts'
import { adviserOf } from './advised.ts'
import { finishOnSignal, underWay } from './interruption.ts'
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
  let stopped: StoppedAt | undefined
  const stop: Listener = { stop: (at) => void (stopped = at) }
  const watcher = listenersAsOne([underWay, stop, progress, adviser.listener])
  await finishOnSignal(async (signal) => {
    const state = await continueRun(folder, watcher, { signal, trustReward, ...(changes ? { changes } : {}) })
    const { said: advice } = adviser
    await printTrainingResult({ folder, state, advice, ...(stopped ? { stopped } : {}) }, json)
  })
  if (!stopped) process.exitCode = 0
}
