/**
 * The configuration of a model folder.
 * @module
 */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'

import type { ModelConfig } from '../../graphs/models/family.ts'
import { parseModelConfig } from './parse_model_config.ts'
import { readJson } from './read_file.ts'

/**
 * Reads the configuration of a model of any family: `path` is a model folder or a `config.json` itself. What the type does not
 * name is kept at run time, to be written again.
 * @throws UserError where there is none, where it is another kind of model's, or where a value is out of bounds
 */
export async function readModelConfig(path: string): Promise<ModelConfig> {
  const file = await configFile(path)
  return parseModelConfig(await readJson(file), file)
}

/** The `config.json` of a model folder, or the file that was named itself. */
async function configFile(path: string): Promise<string> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
  return isFolder ? join(path, 'config.json') : path
}
