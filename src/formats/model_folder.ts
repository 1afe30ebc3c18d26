/**
 * Model folders in Hugging Face's layout: `config.json`, `model.safetensors`, and beside them `generation_config.json`
 * and the tokenizer's files.
 * @module
 */
import { join } from 'node:path'

import type { Gpt2Config } from '../../graphs/models/gpt2_config.ts'
import { gpt2ParameterShapes } from '../../graphs/models/gpt2_config.ts'
import type { ParameterShapes } from '../../graphs/models/parameters.ts'
import { UserError } from '../errors.ts'
import { writeFileAtomic, writeFolderAtomic } from './atomic.ts'
import type { Classifier } from './classifier_config.ts'
import { classifierConfig } from './classifier_config.ts'
import { readGpt2Config } from './gpt2_config.ts'
import { findGpt2Tensors } from './gpt2_tensors.ts'
import { exists } from './read_file.ts'
import type { FloatTensor, TensorEntry } from './safetensors.ts'
import { readSafetensorsHeader, writeSafetensors } from './safetensors.ts'

/** A GPT-2 folder whose configuration and weights agree. */
export interface Gpt2Folder {
  readonly config: Gpt2Config
  /** Path of the weight file. */
  readonly weights: string
  /** Where each parameter lies in it, under transformers' names. */
  readonly tensors: ReadonlyMap<string, TensorEntry>
}

/**
 * Opens a model folder: reads its configuration and the header of its weights, and checks that they fit.
 *
 * @param shapesOf the parameters wanted, by default those of the language model
 */
export async function openGpt2Folder(
  folder: string,
  shapesOf: (config: Gpt2Config) => ParameterShapes = gpt2ParameterShapes,
): Promise<Gpt2Folder> {
  const config = await readGpt2Config(join(folder, 'config.json'))
  const weights = join(folder, 'model.safetensors')
  if (!(await exists(weights))) throw await noWeights(folder)
  const tensors = findGpt2Tensors(await readSafetensorsHeader(weights), config, weights, shapesOf(config))
  return { config, weights, tensors }
}

/** What a model folder is written from. */
export interface ModelFolderContent {
  readonly config: Gpt2Config
  /** Under transformers' names, float32. */
  readonly tensors: ReadonlyMap<string, FloatTensor>
  /** What the model's head answers, where it is a classifier and no language model. */
  readonly classifier?: Classifier
  /** File name to content: `tokenizer.json`, `tokenizer_config.json`. */
  readonly tokenizerFiles?: Readonly<Record<string, string>>
  /** Left out: the configuration's bos and eos token. */
  readonly generationConfig?: Readonly<Record<string, unknown>>
}

/** Writes a folder that transformers and transformers.js open, in place of whatever was there, atomically. */
export async function writeModelFolder(folder: string, content: ModelFolderContent): Promise<void> {
  await writeFolderAtomic(folder, (temporary) => fillModelFolder(temporary, content))
}

/** Writes the files of a model into a folder that exists, beside what else lies there. */
export async function fillModelFolder(folder: string, content: ModelFolderContent): Promise<void> {
  const { config, tensors, classifier, tokenizerFiles = {} } = content
  const { bos_token_id, eos_token_id } = config
  const generation = content.generationConfig ?? { bos_token_id, eos_token_id }
  await writeSafetensors(join(folder, 'model.safetensors'), tensors)
  await writeJson(join(folder, 'config.json'), asFloat32(config, classifier))
  if (!classifier) await writeJson(join(folder, 'generation_config.json'), generation)
  for (const [name, text] of Object.entries(tokenizerFiles)) await writeFileAtomic(join(folder, name), text)
}

/** The configuration with float32 weights: loaders believe it about their type, under an old and a new name. */
const asFloat32 = (config: Gpt2Config, classifier?: Classifier): Record<string, unknown> => ({
  ...config,
  model_type: 'gpt2',
  ...(classifier ? classifierConfig(config, classifier) : { architectures: ['GPT2LMHeadModel'] }),
  dtype: 'float32',
  torch_dtype: 'float32',
})

async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(value, null, 2)}\n`)
}

async function noWeights(folder: string): Promise<UserError> {
  const other = ['model.safetensors.index.json', 'pytorch_model.bin']
  for (const name of other)
    if (await exists(join(folder, name)))
      return new UserError(
        `${folder} has its weights as ${name}; save them with transformers as one model.safetensors file`,
      )
  return new UserError(`${folder} has no model.safetensors; is it the folder of a model?`)
}
