/**
 * The weights of a model folder: `model.safetensors`, or several such files and an index of which tensor lies in which, as
 * `save_pretrained(max_shard_size=…)` of transformers writes them.
 * @module
 */
import { join } from 'node:path'
import { z } from 'zod'

import { UserError } from '../errors.ts'
import { quote } from '../quote.ts'
import { checkJson } from '../schema.ts'
import { exists, readJson } from './read_file.ts'
import type { FloatTensor, TensorEntry } from './safetensors.ts'
import { readEntries, readSafetensorsHeader } from './safetensors.ts'

/** Where one tensor lies. */
export interface StoredTensor extends TensorEntry {
  /** Path of its file. */
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
export async function findWeights(folder: string): Promise<WeightFiles> {
  const whole = join(folder, WEIGHTS_FILE)
  if (await exists(whole)) return { tensors: new Map(await tensorsOf(whole)), where: whole }
  const index = join(folder, INDEX)
  if (await exists(index)) return { tensors: await tensorsOfShards(folder, index), where: index }
  for (const name of OTHER)
    if (await exists(join(folder, name)))
      throw new UserError(
        `${folder} has its weights as ${name}; open it in transformers and save it with save_pretrained, which writes safetensors`,
      )
  throw new UserError(`${folder} has no ${WEIGHTS_FILE}; is it the folder of a model?`)
}

async function tensorsOf(file: string): Promise<[string, StoredTensor][]> {
  const { tensors } = await readSafetensorsHeader(file)
  return [...tensors].map(([name, entry]) => [name, { ...entry, file }])
}

/** Names of files beside the index, and of no others. */
const indexSchema = z.looseObject({
  weight_map: z.record(
    z.string(),
    z.string().regex(/^[^/\\]+\.safetensors$/, 'it is no safetensors file of the same folder'),
  ),
})

async function tensorsOfShards(folder: string, index: string): Promise<StoredTensors> {
  const { weight_map } = checkJson(indexSchema, await readJson(index), index)
  const tensors = new Map<string, StoredTensor>()
  for (const name of [...new Set(Object.values(weight_map))].sort()) {
    const file = join(folder, name)
    if (!(await exists(file)))
      throw new UserError(`${index} names ${name}, which is not there; copy it into the same folder`)
    for (const [tensor, entry] of await tensorsOf(file)) {
      const other = tensors.get(tensor)
      if (other)
        throw new UserError(
          `${file} has the tensor ${quote(tensor)}, which ${other.file} has too; copy the files of one model`,
        )
      tensors.set(tensor, entry)
    }
  }
  for (const [tensor, name] of Object.entries(weight_map))
    if (tensors.get(tensor)?.file !== join(folder, name))
      throw new UserError(
        `${index} says that the tensor ${quote(tensor)} is in ${name}, where it is not; copy the files of one model`,
      )
  return tensors
}

/** The files that tensors lie in. */
export const filesOf = (tensors: StoredTensors): string[] => [
  ...new Set([...tensors.values()].map(({ file }) => file)),
]

/** Reads tensors as float32, in their order. */
export async function readStored(tensors: StoredTensors): Promise<Map<string, FloatTensor>> {
  const read = new Map<string, FloatTensor>()
  for (const file of filesOf(tensors)) {
    const entries = new Map([...tensors].filter(([, entry]) => entry.file === file))
    for (const [name, tensor] of await readEntries(file, entries)) read.set(name, tensor)
  }
  return new Map([...tensors.keys()].map((name) => [name, read.get(name)!]))
}
