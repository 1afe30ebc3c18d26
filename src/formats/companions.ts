/** @module */
import { copyFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Copies those of the named files that a folder has. */
export async function copyFiles(from: string, to: string, names: readonly string[]): Promise<void> {
  const present = await readdir(from)
  for (const name of names) if (present.includes(name)) await copyFile(join(from, name), join(to, name))
}
