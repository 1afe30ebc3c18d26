/**
 * The weights of a model folder: `model.safetensors`, or several such files and an index of which tensor lies in which, as
 * `save_pretrained(max_shard_size=…)` of transformers writes them.
 * @module
 */
import { z } from 'zod'

import { UserError } from '../errors.ts'
import { quote } from '../quote.ts'
import { checkJson } from '../schema.ts'
import type { Files } from './files.ts'
import type { FloatTensor } from './float_tensor.ts'
import type { TensorEntry } from './safetensors_header.ts'

/** Where one tensor lies. */
export interface StoredTensor extends TensorEntry {
  /** Its file, as {@link Files.path} gives it. */
  readonly file: string
  /** Of a tensor of INT4 or INT8: the scale of each of its blocks. */
  readonly scales?: StoredScales
}

/** Float32 scales, of the tensor's shape but along the axis that its blocks lie on. */
export interface StoredScales extends TensorEntry {
  readonly axis: number
}

export type StoredTensors = ReadonlyMap<string, StoredTensor>

export interface WeightFiles {
  /** By the names in the files. */
  readonly tensors: StoredTensors
  /** What errors call them. */
  readonly where: string
}

export const WEIGHTS_FILE = 'model.safetensors'
const INDEX = 'model.safetensors.index.json'

/** Weights in formats that are not read. */
const OTHER = [
  'pytorch_model.bin',
  'pytorch_model.bin.index.json',
  'tf_model.h5',
  'flax_model.msgpack',
  'model.onnx',
]

/**
 * Finds the tensors of a folder.
 * @throws UserError where there are none, where a file is broken, or where the index and the files disagree
 */
export async function findWeights(files: Files): Promise<WeightFiles> {
  const names = await files.names()
  if (names.includes(WEIGHTS_FILE))
    return { tensors: new Map(await tensorsOf(files, WEIGHTS_FILE)), where: files.path(WEIGHTS_FILE) }
  if (names.includes(INDEX)) return { tensors: await tensorsOfShards(files, names), where: files.path(INDEX) }
  for (const name of OTHER)
    if (names.includes(name))
      throw new UserError(
        `${files.where} has its weights as ${name}; open it in transformers and save it with save_pretrained, which writes safetensors`,
      )
  throw new UserError(`${files.where} has no ${WEIGHTS_FILE}; is it the folder of a model?`)
}

async function tensorsOf(files: Files, name: string): Promise<[string, StoredTensor][]> {
  const { tensors } = await files.header(name)
  const file = files.path(name)
  return [...tensors].map(([name, entry]) => [name, { ...entry, file }])
}

/** Names of files beside the index, and of no others. */
const indexSchema = z.looseObject({
  weight_map: z.record(
    z.string(),
    z.string().regex(/^[^/\\]+\.safetensors$/, 'it is no safetensors file of the same folder'),
  ),
})

async function tensorsOfShards(files: Files, names: readonly string[]): Promise<StoredTensors> {
  const index = files.path(INDEX)
  const { weight_map } = checkJson(indexSchema, await files.json(INDEX), index)
  const tensors = new Map<string, StoredTensor>()
  for (const name of [...new Set(Object.values(weight_map))].sort()) {
    const file = files.path(name)
    if (!names.includes(name))
      throw new UserError(`${index} names ${name}, which is not there; copy it into the same folder`)
    for (const [tensor, entry] of await tensorsOf(files, name)) {
      const other = tensors.get(tensor)
      if (other)
        throw new UserError(
          `${file} has the tensor ${quote(tensor)}, which ${other.file} has too; copy the files of one model`,
        )
      tensors.set(tensor, entry)
    }
  }
  for (const [tensor, name] of Object.entries(weight_map))
    if (tensors.get(tensor)?.file !== files.path(name))
      throw new UserError(
        `${index} says that the tensor ${quote(tensor)} is in ${name}, where it is not; copy the files of one model`,
      )
  return tensors
}

/** The files that tensors lie in. */
export const filesOf = (tensors: StoredTensors): string[] => [
  ...new Set([...tensors.values()].map(({ file }) => file)),
]

/** Reads tensors of a model's files as float32, in their order. */
export async function readStoredOf(files: Files, tensors: StoredTensors): Promise<Map<string, FloatTensor>> {
  const read = new Map<string, FloatTensor>()
  for (const name of await files.names()) {
    const entries = new Map([...tensors].filter(([, { file }]) => file === files.path(name)))
    if (entries.size === 0) continue
    for (const [tensor, data] of await files.tensors(name, entries)) read.set(tensor, data)
  }
  return new Map([...tensors.keys()].map((name) => [name, read.get(name)!]))
}
