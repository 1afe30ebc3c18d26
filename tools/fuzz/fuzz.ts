/**
 * Fuzzing one reader: what it makes of mutants of sound files. A reader may take a mutant or refuse it with a UserError,
 * within the limits of time and memory; all else is a finding.
 *
 * Mutants are read in processes of their own, as one that backtracks for ever or exhausts memory takes its process with it.
 * @module
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { TargetName } from './targets.ts'

/** Most seconds of a processor for one mutant: a machine that does something else meanwhile is slow, too. */
export const MOST_SECONDS = 5

/** What does not end within so many seconds never does. */
const ENDLESS_SECONDS = 60

/** Most that a process may take for its mutants, beside the program itself; with that, 1 GB. */
export const MOST_MEGABYTES = 700

/** Which mutants a process reads, from its arguments. */
export interface Share {
  readonly target: TargetName
  readonly seed: number
  readonly from: number
  readonly to: number
}

/** What a process tells: which mutant it reads next, or what went wrong with the one before. */
export type Told = { readonly next: number } | { readonly wrong: string }

export interface Finding {
  readonly target: TargetName
  readonly seed: number
  /** Number of the mutant. */
  readonly mutant: number
  /** What went wrong, with the stack where there is one. */
  readonly what: string
}

/** What a process ends with that has taken too much memory to read on. */
export const SPENT = 77

/**
 * Reads the mutants numbered `from` … `to − 1` of a target.
 *
 * @returns what is neither read nor refused, in order
 */
export async function fuzz({ from, to, ...share }: Share): Promise<Finding[]> {
  const findings: Finding[] = []
  for (let next = from; next < to;) {
    const { found, last } = await readShare({ ...share, from: next, to })
    findings.push(...found)
    next = last + 1
  }
  return findings
}

interface Outcome {
  readonly found: readonly Finding[]
  /** The mutant that was read last. */
  readonly last: number
}

async function readShare(share: Share): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'ortune-fuzz-'))
  const child = fork(join(import.meta.dirname, 'reader.ts'), [folder, JSON.stringify(share)], {
    execArgv: ['--import', 'tsx', '--max-old-space-size=1024'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const found: Finding[] = []
  let last: number | undefined
  let endless = false
  let timer: NodeJS.Timeout | undefined
  const finding = (what: string) => {
    const { target, seed } = share
    found.push({ target, seed, mutant: last!, what })
  }
  child.on('message', (told: Told) => {
    if ('wrong' in told) return finding(told.wrong)
    last = told.next
    clearTimeout(timer)
    timer = setTimeout(() => (endless = child.kill('SIGKILL')), ENDLESS_SECONDS * 1000)
  })
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  clearTimeout(timer)
  await rm(folder, { recursive: true, force: true })
  if (last === undefined) throw new Error(`the reader of ${share.target} does not start`)
  if (endless) finding(`does not end within ${ENDLESS_SECONDS} s`)
  else if (code !== 0 && code !== SPENT) finding(`ends the process (${signal ?? code})`)
  return { found, last }
}
