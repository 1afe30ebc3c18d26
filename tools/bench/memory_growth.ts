/**
 * How much memory of its own each round of a workload takes, seen from outside: a run blocks the process that it is in.
 * The resident set as a whole would not tell, since the system drops pages of the weight file from it and takes them in
 * again as it likes.
 * @module
 */
import { anonymousMemory } from './memory.ts'
import type { Contender } from './paced.ts'
import { DONE, startPlayer } from './paced.ts'

/** Between two looks, in ms. */
const INTERVAL = 1

/** glibc then gives every block back when it is freed, so that a round is not served from what an earlier one left. */
const MALLOC = { MALLOC_MMAP_THRESHOLD_: '65536' }

/**
 * Lets a workload play its rounds, as many as it has; `paced.ts` says how.
 *
 * @returns what it prints last, and by how many MiB each round exceeded, at its highest, what the process had before
 */
export async function memoryGrowth(contender: Contender): Promise<{ result: unknown; growth: number[] }> {
  const { child, next } = startPlayer(contender, MALLOC)
  const growth: number[] = []
  try {
    for (;;) {
      const before = anonymousMemory(child.pid!)
      let highest = before
      const watch = setInterval(() => (highest = Math.max(highest, anonymousMemory(child.pid!))), INTERVAL)
      child.stdin.write('\n')
      const line = await next()
      clearInterval(watch)
      if (line !== DONE) return { result: JSON.parse(line), growth }
      growth.push(highest - before)
    }
  } finally {
    child.kill()
  }
}
