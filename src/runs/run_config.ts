/**
 * The configuration of a run, as its folder keeps it.
 * @module
 */
import { join } from 'node:path'

import { UserError } from '../errors.ts'
import { writeFileAtomic } from '../formats/atomic.ts'
import { readManifest } from '../formats/manifest.ts'
import { exists, readJson } from '../formats/read_file.ts'
import { checkJson } from '../schema.ts'
import type { SettledConfig } from './config.ts'
import { settledConfigSchema } from './config.ts'
import { checkSettings } from './settings.ts'

/** The configuration of a run. Throws UserError where it is none, or is another than the run was made with. */
export async function readRunConfig(folder: string): Promise<SettledConfig> {
  const path = join(folder, 'training.json')
  if (!(await exists(path))) throw new UserError(`${folder} is no training run; name the output_dir of one`)
  const json = await readJson(path)
  const config = checkJson(settledConfigSchema, json, path)
  const { settings, task } = (await exists(join(folder, 'ortune.json'))) ? await readManifest(folder) : {}
  if (settings && task) checkSettings(json as object, settings, task, path)
  return { ...config, output_dir: folder }
}

/** Writes options of a run that are others from now on. */
export async function keepOptions(folder: string, options: object): Promise<void> {
  const path = join(folder, 'training.json')
  const stored = { ...((await readJson(path)) as object), ...options }
  await writeFileAtomic(path, `${JSON.stringify(stored, null, 2)}\n`)
}
