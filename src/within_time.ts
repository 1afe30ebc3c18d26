/** @module */

/** Milliseconds for one text; a long one takes some hundred. */
const MOST_MILLISECONDS = 2000

/** What is said of it. */
export const TOO_LONG = 'it takes longer than two seconds'

/** Node's way to stop what runs. A browser has none, and offers to stop a page that hangs by itself. */
const vm = (globalThis as { process?: NodeJS.Process }).process?.getBuiltinModule?.('node:vm')

const place: { act?: () => unknown } = {}
const script = vm && { run: new vm.Script('act()'), context: vm.createContext(place) }

/**
 * Runs a function for two seconds at most, where the platform can stop it: even a regular expression that backtracks is then.
 * Throws Error.
 */
export function withinTime<T>(act: () => T): T {
  if (!script) return act()
  place.act = act
  try {
    return script.run.runInContext(script.context, { timeout: MOST_MILLISECONDS }) as T
  } catch (error) {
    const stopped = (error as NodeJS.ErrnoException | undefined)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
    throw stopped ? new Error(TOO_LONG, { cause: error }) : error
  }
}
