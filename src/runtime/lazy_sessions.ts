/** @module */
import type { Session } from './session.ts'

/** Sessions that are opened when they are first asked for. */
export interface LazySessions {
  get(key: string, open: () => Promise<Session>): Promise<Session>
  release(): Promise<void>
}

/** None yet. */
export function createLazySessions(): LazySessions {
  const opening = new Map<string, Promise<Session>>()
  return {
    get(key, open) {
      const session = opening.get(key) ?? open()
      opening.set(key, session)
      return session
    },
    async release() {
      const all = await Promise.allSettled(opening.values())
      opening.clear()
      for (const one of all) if (one.status === 'fulfilled') await one.value.release()
    },
  }
}
