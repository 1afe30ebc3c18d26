/**
 * One writer at a time: a file says which process writes. It goes when the process ends; where that was killed, the next
 * writer recognises that no such process is left, and takes over.
 * @module
 */
import { rmSync } from 'node:fs'
import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { z } from 'zod'

import { UserError } from '../errors.ts'
import { notWritable } from './disk.ts'
import { removeBehind } from './leftovers.ts'
import { onExit } from './on_exit.ts'
import type { Owner } from './processes.ts'
import { isAlive, isHere, ownerMark, thisProcess } from './processes.ts'

const ownerSchema = z.object({
  pid: z.int().min(1),
  host: z.string(),
  started: z.string().nullable(),
  since: z.string(),
}) satisfies z.ZodType<Owner>

type Holder = z.infer<typeof ownerSchema>

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
    ...thisProcess(),
    since: new Date().toISOString(),
  } satisfies Holder)
  try {
    await take(file, what, mine)
  } catch (error) {
    // Whoever may not write there is told of what was to be written, not of the lock.
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') throw notWritable(what)
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
      Object.assign(error as Error, { path: what, dest: undefined })
    throw error
  }
  await removeBehind(file)
  const release = onExit(() => rmSync(file, { force: true }))
  try {
    return await work()
  } finally {
    release()
    await rm(file, { force: true })
  }
}

async function take(file: string, what: string, mine: string): Promise<void> {
  while (!(await create(file, mine))) {
    const text = await textOf(file)
    if (text === undefined) continue
    const owner = ownerOf(text)
    if (owner === undefined ? await isFresh(file) : isAlive(owner)) {
      if (owner !== undefined) throw new UserError(held(file, what, owner))
      await setTimeout(20)
    } else await takeAway(file, text)
  }
}

/**
 * Refuses at once, without waiting, what {@link withLock} would refuse; it may be held a moment later all the same.
 *
 * @throws UserError where another process holds it
 */
export async function checkFree(file: string, what: string): Promise<void> {
  const owner = ownerOf((await textOf(file)) ?? '')
  if (owner && isAlive(owner)) throw new UserError(held(file, what, owner))
}

/** Whether a process that may still be there holds it. */
export async function isHeld(file: string): Promise<boolean> {
  const owner = ownerOf((await textOf(file)) ?? '')
  return owner !== undefined && isAlive(owner)
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
  const taken = `${file}.${ownerMark(thisProcess())}`
  await rename(file, taken).catch(ifMissing)
  const text = await textOf(taken)
  if (text !== undefined && text !== stale) await create(file, text)
  await rm(taken, { force: true })
}

/** Undefined where there is none. Throws UserError for a pipe, which would never give one, or a folder. */
async function textOf(file: string): Promise<string | undefined> {
  const found = await stat(file).catch(ifMissing)
  if (found === undefined) return undefined
  if (!found.isFile())
    throw new UserError(`${file} is a folder, a pipe or a device where a lock is to be written; remove it`)
  return readFile(file, 'utf8').catch(ifMissing)
}

function ownerOf(text: string): Holder | undefined {
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

function held(file: string, what: string, holder: Holder): string {
  const { pid, host, since } = holder
  const here = isHere(holder)
  const who = `process ${pid}${here ? '' : ` on ${host}`}, since ${since}`
  return here
    ? `${what} is being written by ${who}; wait for it to end, or stop it`
    : `${what} is being written by ${who}; wait for it to end, or delete ${file} if it is gone`
}

function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined
  throw error
}
