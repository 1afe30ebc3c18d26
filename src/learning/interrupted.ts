/**
 * Being told to stop in the midst of what leaves the run as it was, such as an evaluation: it is given up between two batches.
 * @module
 */
import type { Listener } from './listeners.ts'
import { listenersAsOne } from './listeners.ts'
import type { TrainerState } from './trainer_state.ts'

/** Work was given up for the run's signal; nothing of it was kept. */
export class Interrupted extends Error {}

/** What may be told to stop. */
export interface Interruptible {
  readonly signal?: AbortSignal | undefined
  readonly listeners: readonly Listener[]
  readonly state: TrainerState
}

/**
 * What is measured once before training, which tells how far it is and gives up when the run is to stop.
 *
 * @param what has been read; the beginning of "…: 40 of 200"
 */
export const preparing =
  ({ signal, listeners }: Omit<Interruptible, 'state'>, what: string) =>
  (done: number, of: number): void => {
    listenersAsOne(listeners).preparation(what, done, of)
    if (signal?.aborted && done < of) throw new Interrupted()
  }

/** The last state of a training; where it is interrupted before its first step, the one that it began with. */
export async function orAsItWas(
  { listeners, state }: Interruptible,
  train: () => Promise<TrainerState>,
): Promise<TrainerState> {
  try {
    return await train()
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error
    listenersAsOne(listeners).stop({ step: state.global_step })
    return state
  }
}
