/** @module */
import type { FileHandle } from 'node:fs/promises'
import { open } from 'node:fs/promises'
import { join } from 'node:path'

import type { OpenSplit } from './split_sets.ts'
import type { Split } from './splits.ts'

/** Where a split's data set is in a prepared folder. */
export const splitFile = (folder: string, split: Split): string => join(folder, `${split}.arrow`)

/** Writes the data sets of splits into a folder; its files are open for that long. */
export async function withSplitFiles<T>(folder: string, write: (open: OpenSplit) => Promise<T>): Promise<T> {
  const files: FileHandle[] = []
  try {
    return await write(async (split) => {
      const file = await open(splitFile(folder, split), 'w')
      files.push(file)
      return (chunk) => file.writeFile(chunk)
    })
  } finally {
    for (const file of files) await file.close()
  }
}
