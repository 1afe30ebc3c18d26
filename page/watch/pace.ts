/** How fast something goes, by what was seen of late. @module */

/** Milliseconds that are looked back. */
const WINDOW = 60_000

export interface Pace {
  readonly saw: (count: number, at: number) => void
  readonly clear: () => void
  /** Per second; undefined before there is enough to tell. */
  readonly perSecond: () => number | undefined
}

export function createPace(): Pace {
  let seen: { readonly count: number; readonly at: number }[] = []
  return {
    saw(count, at) {
      const last = seen.at(-1)
      if (last && last.count === count) return
      seen.push({ count, at })
      // One that is older stays, so that a slow run has a pace too.
      while (seen.length > 2 && seen[1]!.at < at - WINDOW) seen.shift()
    },
    clear: () => void (seen = []),
    perSecond() {
      const [first, last] = [seen[0], seen.at(-1)]
      if (!first || !last || last.at - first.at < 500) return undefined
      return ((last.count - first.count) / (last.at - first.at)) * 1000
    },
  }
}
