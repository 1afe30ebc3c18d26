/**
 * Which process something belongs to, and whether that one may still be there.
 * @module
 */
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'

export interface Owner {
  readonly pid: number
  readonly host: string
  /** When the process started, in the system's own count: another process may get its number later. Null: not known. */
  readonly started: string | null
}

export const thisProcess = (): Owner => ({
  pid: process.pid,
  host: hostname(),
  started: startOf(process.pid),
})

export const isHere = ({ host }: Owner): boolean => host === hostname()

/** Whether its process may still be there; of another machine's that cannot be known. */
export const isAlive = (owner: Owner): boolean =>
  !isHere(owner) || (isRunning(owner.pid) && (owner.started === null || startOf(owner.pid) === owner.started))

/** An owner as a part of a file's name: `1234-567890-host`. */
export const ownerMark = ({ pid, started, host }: Owner): string =>
  `${pid}-${started ?? ''}-${encodeURIComponent(host)}`

/** The owner that a mark is of. A number alone, as earlier versions wrote, is a process of this machine. */
export function markedOwner(mark: string): Owner | undefined {
  const [, pid, started, host] = /^(\d{1,10})(?:-(\d*)-([^/]+))?$/.exec(mark) ?? []
  if (pid === undefined || Number(pid) === 0) return undefined
  return { pid: Number(pid), started: started || null, host: host === undefined ? hostname() : decoded(host) }
}

function decoded(host: string): string {
  try {
    return decodeURIComponent(host)
  } catch {
    return host
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Field 22 of /proc/<pid>/stat, after the name in parentheses; null where the system has none. */
function startOf(pid: number): string | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return fields[19] ?? null
  } catch {
    return null
  }
}
