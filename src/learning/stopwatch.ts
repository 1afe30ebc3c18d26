/**
 * Where the time of a training loop goes.
 * @module
 */
import type { Session } from '../runtime/session.ts'

export interface Stopwatch {
  /** Counts the seconds that `work` takes under `name`. */
  readonly time: <T>(name: string, work: () => Promise<T>) => Promise<T>
  /** The session, every run of which counts under `name`. */
  readonly watch: (name: string, session: Session) => Session
  /** The seconds counted since the last call, by name. */
  readonly read: () => Record<string, number>
}

export function createStopwatch(): Stopwatch {
  let seconds: Record<string, number> = {}
  const time: Stopwatch['time'] = async (name, work) => {
    const began = performance.now()
    try {
      return await work()
    } finally {
      seconds[name] = (seconds[name] ?? 0) + (performance.now() - began) / 1000
    }
  }
  return {
    time,
    watch: (name, session) => ({
      ...session,
      run: (feeds, options) => time(name, () => session.run(feeds, options)),
    }),
    read: () => {
      const read = seconds
      seconds = {}
      return read
    },
  }
}
