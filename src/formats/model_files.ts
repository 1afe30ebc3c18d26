/**
 * Models in Hugging Face's layout: `config.json`, `model.safetensors` or shards of it, wherever these files are.
 * @module
 */
import type { ModelConfig } from '../../graphs/models/family.ts'
import { ownShapes } from '../../graphs/models/own_shapes.ts'
import type { ParameterShapes } from '../../graphs/models/parameters.ts'
import { formatOf } from './families/family.ts'
import type { Files } from './files.ts'
import { checkTied, findTensors } from './model_tensors.ts'
import { parseModelConfig } from './parse_model_config.ts'
import type { StoredTensors } from './weight_files.ts'
import { findWeights } from './weight_files.ts'

/** A model whose configuration and weights agree. */
export interface ModelFolder {
  readonly config: ModelConfig
  /** Where each parameter lies, under transformers' names. */
  readonly tensors: StoredTensors
}

/**
 * Opens a model: reads its configuration and the headers of its weights, and checks that they fit.
 *
 * @param shapesOf the parameters wanted, by default those of {@link ownShapes}
 * @param optional those that may be missing
 * @throws UserError where it is none, or its parts do not fit each other
 */
export async function openModelFiles(
  files: Files,
  shapesOf: (config: ModelConfig) => ParameterShapes = ownShapes,
  optional?: (config: ModelConfig) => RegExp | undefined,
): Promise<ModelFolder> {
  const config = parseModelConfig(await files.json('config.json'), files.path('config.json'))
  const weights = await findWeights(files)
  const tensors = findTensors(weights, config, shapesOf(config), optional?.(config))
  await checkTied(files, weights, config)
  return { config, tensors }
}

/**
 * As {@link openModelFiles}, for a model to be trained: parameters that only some models of its family are saved with, as the
 * pooler of a BERT, may be missing.
 */
export const openTrainableFiles = (files: Files): Promise<ModelFolder> =>
  openModelFiles(files, ownShapes, (config) => formatOf(config).naming.fresh)
