/**
 * Ctrl-C, and being asked to end: at once, with what is half-written removed; or after the step under way, where something is
 * to be finished first.
 * @module
 */

/** Exit codes are 128 + the signal's number, as shells expect. */
const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const

type Signal = keyof typeof EXIT_CODES

let installed = false
let finishing: { readonly controller: AbortController; readonly more: string } | undefined

/** From now on a signal ends the process in an orderly way, so that what is to be done on exit is done. */
export function endOnSignals(): void {
  if (installed) return
  installed = true
  for (const signal of Object.keys(EXIT_CODES) as Signal[])
    process.on(signal, () => {
      if (!finishing || finishing.controller.signal.aborted) process.exit(EXIT_CODES[signal])
      process.stderr.write(
        `\nfinishing this step and writing a checkpoint; ${finishing.more}Ctrl-C again ends it at once\n`,
      )
      finishing.controller.abort(EXIT_CODES[signal])
    })
}

/**
 * Trains until a signal comes, and then to a checkpoint, which is said; a second signal ends it at once. The exit code is the signal's
 * afterwards.
 *
 * @param more is said beside, ending in "; "
 */
export async function finishOnSignal<T>(work: (signal: AbortSignal) => Promise<T>, more = ''): Promise<T> {
  const controller = new AbortController()
  finishing = { controller, more }
  try {
    return await work(controller.signal)
  } finally {
    finishing = undefined
    if (controller.signal.aborted) process.exitCode = controller.signal.reason as number
  }
}
