/** @module */
import { readdir } from 'node:fs/promises'

import { UserError } from '../errors.ts'
import { writeFolderAtomic } from './atomic.ts'

/** @throws UserError where the folder is there and holds files */
export async function checkEmpty(folder: string): Promise<void> {
  const names = await readdir(folder).catch((): string[] => [])
  if (names.length > 0) throw new UserError(`${folder} holds files already; name an empty or new folder`)
}

/** Writes a folder that is new or empty, whole or not at all; see {@link writeFolderAtomic}. */
export const writeNewFolder = (
  folder: string,
  fill: (temporaryFolder: string) => Promise<void>,
): Promise<void> => writeFolderAtomic(folder, fill, () => checkEmpty(folder))
