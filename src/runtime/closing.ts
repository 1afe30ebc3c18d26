/** @module */

interface Releasable {
  release(): Promise<void>
}

export interface Closing {
  /** Remembers what is to be released, and gives it back. */
  add<T extends Releasable>(opened: T): T
  /** Releases all, the last first. */
  close(): Promise<void>
}

/** What was opened one after the other, to be closed together: in the `finally` of the `try` that opens it. */
export function createClosing(): Closing {
  const opened: Releasable[] = []
  return {
    add(one) {
      opened.push(one)
      return one
    },
    async close() {
      for (const one of opened.splice(0).reverse()) await one.release()
    },
  }
}
