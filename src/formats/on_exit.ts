/** @module */
import { rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'

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

const whole = { recursive: true, force: true } as const

/** Removes a folder with what is in it. */
export const removeFolder = (folder: string): Promise<void> => rm(folder, whole)

/** Removes it should the process end before the function returned is called; see {@link onExit}. */
export const removeFolderOnExit = (folder: string): (() => void) => onExit(() => removeAtOnce(folder))

/** Milliseconds between tries, and how many there are. */
const PAUSE = 20
const TRIES = 10

/** Tried again for a while: what was being written when the process was told to end still appears in the folder. */
function removeAtOnce(folder: string): void {
  for (let left = TRIES; left > 0; left--)
    try {
      return rmSync(folder, whole)
    } catch {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE)
    }
}
