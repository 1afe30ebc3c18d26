/** @module */
import { createContext, Script } from 'node:vm'

/** Milliseconds for one text; a long one takes some hundred. */
const MOST_MILLISECONDS = 2000

const script = new Script('act()')
const place: { act?: () => unknown } = {}
const context = createContext(place)

/** Runs a function for two seconds at most: even a regular expression that backtracks, or a template that loops, is stopped. Throws Error then. */
export function withinTime<T>(act: () => T): T {
  place.act = act
  return script.runInContext(context, { timeout: MOST_MILLISECONDS }) as T
}
