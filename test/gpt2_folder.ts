/** Models of files that are known to be a GPT-2. */
import type { ModelConfig } from '../graphs/models/family.ts'
import type { Gpt2Config } from '../graphs/models/gpt2.ts'
import type { ParameterShapes } from '../graphs/models/parameters.ts'
import { readModelConfig } from '../src/formats/model_config.ts'
import type { ModelFolder } from '../src/formats/model_folder.ts'
import { openModelFolder } from '../src/formats/model_folder.ts'

function asGpt2(config: ModelConfig): Gpt2Config {
  if (!('n_layer' in config)) throw new Error('the fixture is no GPT-2')
  return config
}

export const readGpt2Config = async (path: string): Promise<Gpt2Config> => asGpt2(await readModelConfig(path))

export async function openGpt2Folder(
  folder: string,
  shapesOf?: (config: Gpt2Config) => ParameterShapes,
): Promise<ModelFolder & { readonly config: Gpt2Config }> {
  const opened = await openModelFolder(folder, shapesOf && ((config) => shapesOf(asGpt2(config))))
  return { ...opened, config: asGpt2(opened.config) }
}
