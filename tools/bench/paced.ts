/**
 * Two processes that take turns. A shared machine's speed wanders by half within minutes, so a workload and its peer
 * are both kept open and repeat their step alternately; the ratio is then of neighbours in time.
 *
 * The protocol: before each repetition a process waits for a line on standard input, after it prints a line; its last
 * line is its result as JSON.
 * @module
 */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'

/** Idle threads spin for up to this long after a step, in ms; the other's turn begins when they have gone to sleep. */
export const SETTLE = 300

/** In a workload: waits for its turn. Without a parent that paces it (standard input is closed) it goes on at once. */
export function turns(): () => Promise<void> {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
  return async () => void (await lines.next())
}

/** The line that ends a round. */
export const DONE = 'done'

/** In a workload: hands the turn on. */
export const turnDone = (): boolean => process.stdout.write(`${DONE}\n`)

export interface Contender {
  readonly command: string
  readonly args: readonly string[]
}

/** Starts a workload. `next` gives the next line that it prints; a line written to it lets its next round begin. */
export function startPlayer(
  { command, args }: Contender,
  environment: Readonly<Record<string, string>> = {},
) {
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...environment },
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<string> => {
    const { value, done } = (await lines.next()) as { value: string; done?: boolean }
    if (done) throw new Error(`${command} ${args.join(' ')} ended early`)
    return value
  }
  return { child, next }
}

/** Runs the contenders' repetitions in turns, `rounds` each, and returns the JSON that each prints last. */
export async function takeTurns(contenders: readonly Contender[], rounds: number): Promise<unknown[]> {
  const players = contenders.map((contender) => startPlayer(contender))
  try {
    for (let round = 0; round < rounds; round++) {
      for (const { child, next } of players) {
        child.stdin.write('\n')
        await next()
        await pause(SETTLE)
      }
    }
    const results: unknown[] = []
    for (const { next } of players) results.push(JSON.parse(await next()))
    return results
  } finally {
    for (const { child } of players) child.kill()
  }
}
