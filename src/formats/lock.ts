/**
 * One writer at a time: a file says which process writes. It goes when the process ends; where that was killed, the next
 * writer recognises that no such process is left, and takes over.
 * @module
 */
import { readFileSync, rmSync } from 'node:fs'
import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import { z } from 'zod'

import { UserError } from '../errors.ts'
import { onExit } from './disk.ts'

const ownerSchema = z.object({
  pid: z.int().min(1),
  host: z.string(),
  /** When the process started, in the system's own count: another process may get its number later. */
  started: z.string().nullable(),
  since: z.string(),
})

type Owner = z.infer<typeof ownerSchema>

/** How long a lock may be empty, between its making and its writing; ms. */
const EMPTY_FOR = 1000

/**
 * Does something while no other process that asks with the same file does.
 *
 * @param file the lock; its folder must exist
 * @param what is being written, for the message
 * @throws UserError where another process holds it
 */
export async function withLock<T>(file: string, what: string, work: () => Promise<T>): Promise<T> {
  const mine = JSON.stringify({
    pid: process.pid,
    host: hostname(),
    started: startOf(process.pid),
    since: new Date().toISOString(),
  } satisfies Owner)
  while (!(await create(file, mine))) {
    const text = await readFile(file, 'utf8').catch(ifMissing)
    if (text === undefined) continue
    const owner = ownerOf(text)
    if (owner === undefined ? await isFresh(file) : isAlive(owner)) {
      if (owner !== undefined) throw new UserError(held(file, what, owner))
      await setTimeout(20)
    } else await takeAway(file, text)
  }
  const release = onExit(() => rmSync(file, { force: true }))
  try {
    return await work()
  } finally {
    release()
    await rm(file, { force: true })
  }
}

/** False where it exists already. */
async function create(file: string, text: string): Promise<boolean> {
  const handle = await open(file, 'wx').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return undefined
    throw error
  })
  if (!handle) return false
  try {
    await handle.writeFile(text)
  } finally {
    await handle.close()
  }
  return true
}

/** Removes a stale lock; where another process was faster and it is that one's by now, it is put back. */
async function takeAway(file: string, stale: string): Promise<void> {
  const taken = `${file}.${process.pid}`
  await rename(file, taken).catch(ifMissing)
  const text = await readFile(taken, 'utf8').catch(ifMissing)
  if (text !== undefined && text !== stale) await create(file, text)
  await rm(taken, { force: true })
}

function ownerOf(text: string): Owner | undefined {
  try {
    return ownerSchema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

const isFresh = async (file: string): Promise<boolean> => {
  const found = await stat(file).catch(ifMissing)
  return found !== undefined && Date.now() - found.mtimeMs < EMPTY_FOR
}

/** Whether its process may still be there; of another machine's that cannot be known. */
const isAlive = ({ pid, host, started }: Owner): boolean =>
  host !== hostname() || (isRunning(pid) && (started === null || startOf(pid) === started))

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

function held(file: string, what: string, { pid, host, since }: Owner): string {
  const here = host === hostname()
  const who = `process ${pid}${here ? '' : ` on ${host}`}, since ${since}`
  return here
    ? `${what} is being written by ${who}; wait for it to end, or stop it`
    : `${what} is being written by ${who}; wait for it to end, or delete ${file} if it is gone`
}

function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined
  throw error
}
