/**
 * Whether the files of a folder are those that it was made with. Its manifest holds their digests. Comparing them reads every file,
 * so a hidden list says which file (inode, time of its last change, size) has been compared; nobody can set that time back, and
 * a copy is another file. Opening a folder thus costs a look at each file.
 * @module
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'

import { UserError } from '../errors.ts'
import { writeFileAtomic } from './atomic.ts'
import { kindOf } from './disk.ts'
import { readJson, regularFile, unreadable } from './read_file.ts'

/** SHA-256 in hexadecimal, by the file's path in the folder, with slashes. */
export type Digests = Readonly<Record<string, string>>

/** Identities of files that have been compared, by their paths in the folder. */
const COMPARED = '.compared.json'
const comparedSchema = z.record(z.string(), z.string())

export async function digestOf(path: string): Promise<string> {
  await regularFile(path)
  const hash = createHash('sha256')
  try {
    await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash)
  } catch (error) {
    throw unreadable(path, error)
  }
  return hash.digest('hex')
}

/** SHA-256 of a JSON value, whatever the order of its keys. */
export const digestOfJson = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value, sorted)).digest('hex')

const sorted = (_: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value

/** The digests of all files in a folder, which from now on count as compared. */
export async function sealFiles(folder: string): Promise<Digests> {
  const digests: Record<string, string> = {}
  const compared: Record<string, string> = {}
  for (const name of (await filesIn(folder)).filter(isVisible)) {
    compared[name] = (await identityOf(join(folder, name))) ?? ''
    digests[name] = await digestOf(join(folder, name))
  }
  await writeFileAtomic(join(folder, COMPARED), JSON.stringify(compared))
  return digests
}

/** The paths of all files in a folder and those below, sorted, with slashes; without what is kept here. */
export async function filesIn(folder: string): Promise<string[]> {
  const files: string[] = []
  for (const path of await readdir(folder, { recursive: true }))
    if (path !== COMPARED && (await kindOf(join(folder, path))) !== 'folder')
      files.push(path.replaceAll(sep, '/'))
  return files.sort()
}

const isVisible = (path: string): boolean => !path.split('/').some((part) => part.startsWith('.'))

/**
 * Compares files of a folder with what its manifest says of them. Those that are missing are passed over: whoever needs one
 * says so.
 *
 * @param wanted which files matter
 * @throws UserError naming the first file that is another
 */
export async function checkSealed(
  folder: string,
  digests: Digests,
  wanted: (path: string) => boolean,
): Promise<void> {
  const known = await readCompared(folder)
  const compared = { ...known }
  for (const [name, digest] of Object.entries(digests)) {
    if (!wanted(name)) continue
    const path = join(folder, name)
    const identity = await identityOf(path)
    if (identity === undefined || identity === known[name]) continue
    if ((await digestOf(path)) !== digest)
      throw new UserError(
        `${path} has changed since ${folder} was made; put the file of then back (its SHA-256 is ${digest}), or make the folder anew`,
      )
    compared[name] = identity
  }
  // A folder that cannot be written is compared again the next time.
  if (Object.keys(compared).some((name) => compared[name] !== known[name]))
    await writeFileAtomic(join(folder, COMPARED), JSON.stringify(compared)).catch(() => undefined)
}

/**
 * Whether a file of a folder has one of some digests; a file that has been compared with it is not read again.
 *
 * @param name its path in the folder, with slashes
 * @param digestNow reads it
 */
export async function isComparedAs(
  folder: string,
  name: string,
  digests: readonly string[],
  digestNow: () => Promise<string>,
): Promise<boolean> {
  const identity = await identityOf(join(folder, name))
  const known = await readCompared(folder)
  if (digests.some((digest) => known[name] === `${identity}:${digest}`)) return true
  const digest = await digestNow()
  if (!digests.includes(digest)) return false
  const compared = { ...known, [name]: `${identity}:${digest}` }
  await writeFileAtomic(join(folder, COMPARED), JSON.stringify(compared)).catch(() => undefined)
  return true
}

const readCompared = (folder: string): Promise<Record<string, string>> =>
  readJson(join(folder, COMPARED)).then(
    (json) => comparedSchema.safeParse(json).data ?? {},
    () => ({}),
  )

/** Changes whenever the content may have; undefined where there is no such file. */
const identityOf = (path: string): Promise<string | undefined> =>
  stat(path, { bigint: true }).then(
    ({ dev, ino, ctimeNs, size }) => `${dev}:${ino}:${ctimeNs}:${size}`,
    () => undefined,
  )
