/**
 * Ctrl-C, and being asked to end: at once, with what is half-written removed; or after the step under way, where something is
 * to be finished first.
 * @module
 */

import type { Listener } from '../learning/listeners.ts'

/** Exit codes are 128 + the signal's number, as shells expect. */
const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const

type Signal = keyof typeof EXIT_CODES

let installed = false
/** What a first signal lets come to its end. */
let doing = ''
let finishing: { readonly controller: AbortController; readonly more: string } | undefined

/** From now on a signal ends the process in an orderly way, so that what is to be done on exit is done. */
export function endOnSignals(): void {
  if (installed) return
  installed = true
  for (const signal of Object.keys(EXIT_CODES) as Signal[])
    process.on(signal, () => {
      if (!finishing || finishing.controller.signal.aborted) process.exit(EXIT_CODES[signal])
      process.stderr.write(`\n${doing}; ${finishing.more}Ctrl-C again ends it at once\n`)
      finishing.controller.abort(EXIT_CODES[signal])
    })
}

const DOING = {
  opening: 'stopping before the next step',
  responses:
    'leaving the responses of this step, which are drawn when the run goes on, and writing a checkpoint',
  step: 'finishing this step and writing a checkpoint',
  first: 'leaving the evaluation that comes before the first step, so that there is no checkpoint yet',
  evaluation: 'leaving this evaluation, which is made when the run goes on, and writing a checkpoint',
}

/** Follows a training, so that a signal is answered by what is under way. */
export const underWay: Listener = {
  preparation: () => void (doing = DOING.opening),
  start: () => void (doing = DOING.step),
  responding: ({ done, of }) => void (doing = done < of ? DOING.responses : DOING.step),
  evaluating: ({ step, done, of }) =>
    void (doing = done === of ? DOING.step : step === 0 ? DOING.first : DOING.evaluation),
  evaluation: () => void (doing = DOING.step),
}

/**
 * Trains until a signal comes, and then to a checkpoint, which is said; a second signal ends it at once. The exit code is the signal's
 * afterwards.
 *
 * @param work what trains, with {@link underWay} among its listeners
 * @param more is said beside, ending in "; "
 */
export async function finishOnSignal<T>(work: (signal: AbortSignal) => Promise<T>, more = ''): Promise<T> {
  const controller = new AbortController()
  finishing = { controller, more }
  doing = DOING.opening
  try {
    return await work(controller.signal)
  } finally {
    finishing = undefined
    if (controller.signal.aborted) process.exitCode = controller.signal.reason as number
  }
}
