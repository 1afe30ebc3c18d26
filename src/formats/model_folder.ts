/**
 * Model folders in Hugging Face's layout: `config.json`, `model.safetensors`, and beside them `generation_config.json`
 * and the tokenizer's files.
 * @module
 */
import { join } from 'node:path'

import type { ModelConfig } from '../../graphs/models/family.ts'
import { familyName } from '../../graphs/models/family.ts'
import type { Head } from '../../graphs/models/head.ts'
import { isPooled, languageHead } from '../../graphs/models/head.ts'
import { ownShapes } from '../../graphs/models/own_shapes.ts'
import type { ParameterShapes } from '../../graphs/models/parameters.ts'
import { writeFileAtomic, writeFolderAtomic } from './atomic.ts'
import { classifierConfig } from './classifier_config.ts'
import { diskFiles } from './disk_files.ts'
import { formatOf } from './families/family.ts'
import { checkWrites } from './parse_model_config.ts'
import type { ModelFolder } from './model_files.ts'
import { openModelFiles, openTrainableFiles } from './model_files.ts'
import type { FloatDtype, FloatTensor } from './safetensors.ts'
import { streamSafetensors } from './safetensors.ts'
import type { StoredTensor, StoredTensors } from './weight_files.ts'
import { WEIGHTS_FILE } from './weight_files.ts'

export type { ModelFolder }

/** Opens the folder of a model; see {@link openModelFiles}. */
export const openModelFolder = (
  folder: string,
  shapesOf?: (config: ModelConfig) => ParameterShapes,
): Promise<ModelFolder> => openModelFiles(diskFiles(folder), shapesOf)

/** The same of one to be trained; see {@link openTrainableFiles}. */
export const openTrainableFolder = (folder: string): Promise<ModelFolder> =>
  openTrainableFiles(diskFiles(folder))

/**
 * As {@link openModelFolder}, for a model that writes.
 * @throws UserError where it reads only
 */
export const openLanguageModelFolder = (
  folder: string,
  shapesOf: (config: ModelConfig) => ParameterShapes = ownShapes,
): Promise<ModelFolder> =>
  openModelFolder(folder, (config) => {
    checkWrites(config, join(folder, 'config.json'))
    return shapesOf(config)
  })

/** Tensors that need not be in memory together. */
export interface TensorSource {
  readonly shapes: ParameterShapes
  readonly dataOf: (name: string) => Promise<Float32Array>
  /** What each is kept as, where that is not one type for all. */
  readonly dtypeOf?: (name: string) => FloatDtype
}

/** What a model folder is written from. */
export interface ModelFolderContent {
  readonly config: ModelConfig
  /** Under transformers' names, float32: in memory, or read when it is their turn to be written. */
  readonly tensors: ReadonlyMap<string, FloatTensor> | TensorSource
  /** What the model answers with, by default the next token. */
  readonly head?: Head
  /** What the weights are rounded to, by default float32. */
  readonly dtype?: FloatDtype
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
  const { config, tensors, head = languageHead, dtype = 'F32', tokenizerFiles = {} } = content
  const { shapes, dataOf, dtypeOf = () => dtype } = 'dataOf' in tensors ? tensors : sourceOf(tensors)
  await streamSafetensors(join(folder, WEIGHTS_FILE), shapes, dataOf, undefined, dtypeOf)
  await writeJson(join(folder, 'config.json'), describe(config, head, dtype))
  const generation = content.generationConfig ?? formatOf(config).generation(config)
  if (!isPooled(head) && generation) await writeJson(join(folder, 'generation_config.json'), generation)
  for (const [name, text] of Object.entries(tokenizerFiles)) await writeFileAtomic(join(folder, name), text)
}

const sourceOf = (tensors: ReadonlyMap<string, FloatTensor>): TensorSource => ({
  shapes: new Map([...tensors].map(([name, { shape }]) => [name, shape])),
  dataOf: (name) => Promise.resolve(tensors.get(name)!.data),
})

/** What `config.json` calls the types of weights. */
export const DTYPE_NAMES = {
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
} as const satisfies Record<FloatDtype, string>

/** The configuration with the type of the weights, which loaders believe, under an old and a new name. */
const describe = (config: ModelConfig, head: Head, dtype: FloatDtype): Record<string, unknown> => ({
  ...config,
  model_type: familyName(config),
  architectures: [formatOf(config).architecture],
  ...(isPooled(head) ? classifierConfig(config, head) : {}),
  dtype: DTYPE_NAMES[dtype],
  torch_dtype: DTYPE_NAMES[dtype],
})

async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(value, null, 2)}\n`)
}

/** The key of a run's `config.json` with the type of the model that it began with, where that is not float32. */
export const BASE_DTYPE_KEY = 'ortune_base_dtype'

/** The type of a tensor that is a float's, and float32 for one that there is not. */
export const floatDtype = (tensor: Pick<StoredTensor, 'dtype'> | undefined): FloatDtype =>
  tensor?.dtype === 'F16' || tensor?.dtype === 'BF16' ? tensor.dtype : 'F32'

/** The type of weights, where all have the same; else float32, which holds them all. */
export function dtypeOf(tensors: StoredTensors): FloatDtype {
  const all = new Set([...tensors.values()].map(floatDtype))
  return all.size === 1 ? [...all][0]! : 'F32'
}
