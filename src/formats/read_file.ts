/**
 * Whole small files, with a sentence for the user where one is missing or broken.
 * @module
 */
import { access, readFile } from 'node:fs/promises'

import { UserError } from '../errors.ts'
import { parseJson } from './json_structure.ts'

/** Whether there is a file or folder at `path`. */
export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

/** A file's bytes. Throws UserError where it is missing, a folder or not readable. */
async function readBytes(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    throw unreadable(path, error)
  }
}

/** A file's text. Throws UserError where it cannot be read or is not valid UTF-8. */
export async function readText(path: string): Promise<string> {
  const bytes = await readBytes(path)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new UserError(`${path} is not a text file in UTF-8; save it again in that encoding`)
  }
}

/** A file's JSON value. Throws UserError where it cannot be read or is not JSON. */
export async function readJson(path: string): Promise<unknown> {
  const text = await readText(path)
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
  if (code === 'EISDIR')
    return new UserError(`${path} is a folder where a file is wanted; name the file in it`)
  return new UserError(`${path} cannot be read (${message}); check its permissions`)
}
