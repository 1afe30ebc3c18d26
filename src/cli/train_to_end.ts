/** @module */
import type { Listener } from '../learning/listeners.ts'
import type { Changes } from '../runs/change.ts'
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
  const { adviceFacts } = await import('../report/advice_facts.ts')
  const { trainingAdviser } = await import('../report/training_advice.ts')
  const { listenersAsOne } = await import('../learning/listeners.ts')
  const clear = process.stderr.isTTY ? '\r\x1b[2K' : ''
  const adviser = trainingAdviser(await adviceFacts(folder), (advice) =>
    process.stderr.write(`${clear}${advice}\n`),
  )
  let totalSteps = 0
  const plan: Listener = { start: (plan) => void (totalSteps = plan.totalSteps) }
  const watcher = listenersAsOne([plan, progress, adviser.listener])
  const announce = () =>
    process.stderr.write('\nfinishing this step and writing a checkpoint; Ctrl-C again ends it at once\n')
  const stopped = await finishOnSignal(announce, async (signal) => {
    const state = await continueRun(folder, watcher, { signal, trustReward, ...(changes ? { changes } : {}) })
    const stopped = signal.aborted && state.global_step < totalSteps
    const { said: advice } = adviser
    await printTrainingResult({ folder, state, advice, ...(stopped ? { stoppedOf: totalSteps } : {}) }, json)
    return stopped
  })
  if (!stopped) process.exitCode = 0
}
