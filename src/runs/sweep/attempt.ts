/** @module */
import type { Listener } from '../../learning/listeners.ts'
import { listenersAsOne } from '../../learning/listeners.ts'
import type { RunConfig } from '../config.ts'
import { clockOf } from './clock.ts'
import { trainedBy } from './trained_by.ts'

/** Does what a signal is to let come to a good end, such as a checkpoint. */
export type Finishing = <T>(work: (signal: AbortSignal) => Promise<T>) => Promise<T>

/** What came of training, once it was begun. */
export interface Outcome {
  readonly error: string | null
  /** Whether somebody asked to stop, and whether the training was at its end all the same. */
  readonly interrupted: boolean
  readonly ended: boolean
}

interface AttemptOptions {
  readonly finishing: Finishing
  /** What is told of the training. */
  readonly listener: () => Listener
  readonly note: (sentence: string) => void
}

/**
 * Makes a run or a curriculum, or goes on with it. What the user did wrong and numbers that are none are its outcome; a full disk is
 * not.
 */
export async function attempt(
  config: RunConfig,
  path: string,
  { finishing, listener, note }: AttemptOptions,
): Promise<Outcome> {
  const shown = listener()
  const watch = async (run: string) => listenersAsOne([(await clockOf(run)).listener, shown])
  const trained = trainedBy(config)
  try {
    if (!(await trained.isMade(path))) await trained.make({ ...config, output_dir: path }, { note })
    return await finishing(async (signal) => {
      const ended = await trained.goOn(path, { watch, note, signal })
      return { error: null, interrupted: signal.aborted, ended }
    })
  } catch (error) {
    if (!(error instanceof Error) || (error as NodeJS.ErrnoException).syscall !== undefined) throw error
    return { error: error.message, interrupted: false, ended: true }
  }
}
