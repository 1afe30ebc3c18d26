/**
 * Whole small files, with a sentence for the user where one is missing or broken.
 * @module
 */
import type { Stats } from 'node:fs'
import { createReadStream } from 'node:fs'
import { access, readFile, stat } from 'node:fs/promises'

import { UserError } from '../errors.ts'
import { notUtf8 } from './encoding.ts'
import { parseJson } from './json_structure.ts'

/** Whether there is a file or folder at `path`. */
export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

/** In bytes; about the longest string that V8 holds. */
const MOST_BYTES = 2 ** 29

/**
 * A regular file's facts. To be asked before it is opened: a pipe keeps its reader waiting, and a device may have no end.
 *
 * @throws UserError where there is no such file
 */
export async function regularFile(path: string): Promise<Stats> {
  const found = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error)
  })
  return checkRegular(path, found)
}

/** The same of facts that are known. */
export function checkRegular(path: string, found: Stats): Stats {
  if (found.isDirectory()) throw folderForFile(path)
  if (!found.isFile()) throw new UserError(`${path} is no regular file (a pipe or a device); name a file`)
  return found
}

/**
 * A file's bytes.
 *
 * @param most how many there may be
 * @throws UserError where it is missing, no regular file, too large or not readable
 */
export async function readBytes(path: string, most = MOST_BYTES): Promise<Buffer> {
  const { size } = await regularFile(path)
  if (size > most)
    throw new UserError(
      `${path} has ${size} bytes, and a file that is read whole may have ${most}; is it the file you mean?`,
    )
  try {
    return await readFile(path)
  } catch (error) {
    throw unreadable(path, error)
  }
}

/** A file's text. Throws UserError where it cannot be read, has more than `most` bytes or is not valid UTF-8. */
export const readText = async (path: string, most = MOST_BYTES): Promise<string> =>
  textOf(path, await readBytes(path, most))

/** In bytes: what is read of a pipe, whose end nobody knows. */
const MOST_PIPED = 2 ** 26

/** The same of a file that a user names on a command line, where a pipe will do, as of another command. */
export async function readGivenText(path: string): Promise<string> {
  const found = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error)
  })
  if (!found.isFIFO()) return readText(path)
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    size += chunk.length
    if (size > MOST_PIPED)
      throw new UserError(
        `${path} gives more than ${MOST_PIPED} bytes; write them into a file, and name that`,
      )
  }
  return textOf(path, Buffer.concat(chunks))
}

function textOf(path: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw notUtf8(path, bytes)
  }
}

/** In bytes: a configuration, which has some thousand. Only vocabularies are longer. */
const MOST_JSON = 2 ** 24

/** A file's JSON value. Throws UserError where it cannot be read, has more than `most` bytes or is not JSON. */
export async function readJson(path: string, most = MOST_JSON): Promise<unknown> {
  const text = await readText(path, most)
  try {
    return parseJson(text)
  } catch (error) {
    throw new UserError(`${path} is not valid JSON (${(error as Error).message}); repair it or copy it again`)
  }
}

/** What to tell the user when the operating system refuses `path`. */
export function unreadable(path: string, error: unknown): UserError {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ENOTDIR') return new UserError(`${path} does not exist; check the path`)
  if (code === 'EISDIR') return folderForFile(path)
  return new UserError(`${path} cannot be read (${message}); check its permissions`)
}

const folderForFile = (path: string): UserError =>
  new UserError(`${path} is a folder where a file is wanted; name the file in it`)
