/** @module */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { sealFiles } from '../../src/formats/sealed.ts'

/** Makes a folder's manifest say that its files are as they should be, whatever a test has done to them. */
export async function reseal(folder: string): Promise<void> {
  const path = join(folder, 'ortune.json')
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as object
  const { 'ortune.json': own, 'training.json': options, ...files } = await sealFiles(folder)
  if (own === undefined || options === undefined) throw new Error(`${folder} is no run`)
  writeFileSync(path, JSON.stringify({ ...manifest, files }))
}
