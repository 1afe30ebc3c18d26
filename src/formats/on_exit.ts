/** @module */

const cleanups = new Set<() => void>()

function cleanUp(): void {
  for (const cleanup of cleanups)
    try {
      cleanup()
    } catch {
      // The process ends: nobody is left to be told.
    }
}

/**
 * Has something done, synchronously, should the process end before the function returned is called; not where it is killed.
 */
export function onExit(cleanup: () => void): () => void {
  if (cleanups.size === 0) process.on('exit', cleanUp)
  cleanups.add(cleanup)
  return () => {
    cleanups.delete(cleanup)
    if (cleanups.size === 0) process.off('exit', cleanUp)
  }
}
