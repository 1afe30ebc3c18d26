/** @module */
import { z } from 'zod'

import type { EncoderConfig } from '../../graphs/models/encoder.ts'
import { parseBertConfig } from './bert_config.ts'
import { configFile, parseGpt2Config } from './gpt2_config.ts'
import { readJson } from './read_file.ts'
import { checkJson } from './schema.ts'

/**
 * Reads the configuration of a GPT-2 or a BERT: `path` is a model folder or a `config.json` itself. What the type does not
 * name is kept at run time, to be written again.
 * @throws UserError where there is none, where it is another kind of model's, or where a value is out of bounds
 */
export async function readModelConfig(path: string): Promise<EncoderConfig> {
  const file = await configFile(path)
  const json = await readJson(file)
  const { model_type } = checkJson(z.looseObject({ model_type: z.unknown() }), json, file)
  return model_type === 'bert' ? parseBertConfig(json, file) : parseGpt2Config(json, file)
}
