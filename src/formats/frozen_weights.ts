/**
 * The frozen weights of a run in another type than its model's: a file beside `model.safetensors`, which the run's graphs read in its
 * place. What is written of the run, such as a merged model, is made from the model itself.
 * @module
 */
import { join } from 'node:path'

import { packInt4 } from '../../graphs/ir/dtype.ts'
import { sizeOf } from '../../graphs/ir/shape.ts'
import type { ModelConfig } from '../../graphs/models/family.ts'
import { familyOf } from '../../graphs/models/family.ts'
import type { ParameterShapes } from '../../graphs/models/parameters.ts'
import { ownShapes } from '../../graphs/models/own_shapes.ts'
import type { Base } from './base.ts'
import type { ModelFolder, TensorSource } from './model_folder.ts'
import { dtypeOf, openModelFolder } from './model_folder.ts'
import type { Quantised } from './quantise.ts'
import { quantise, scalesShape } from './quantise.ts'
import { exists } from './read_file.ts'
import type { FloatDtype, TensorEntry } from './safetensors.ts'
import { readSafetensorsHeader, streamEntries, streamSafetensors } from './safetensors.ts'
import { broken } from './safetensors_header.ts'
import type { StoredTensor, StoredTensors } from './weight_files.ts'
import { readStored } from './read_stored.ts'

const FLOATS = { fp32: 'F32', fp16: 'F16', bf16: 'BF16' } as const satisfies Record<string, FloatDtype>

export const FROZEN_FILE = 'model.frozen.safetensors'

/**
 * Writes the frozen weights of the model in a folder, tensor by tensor; nothing where the model's own are of that type.
 *
 * @throws UserError where a value is beyond the largest of the type
 */
export async function writeFrozen(folder: string, base: Base): Promise<void> {
  const model = await openModelFolder(folder)
  const path = join(folder, FROZEN_FILE)
  const shapes = new Map([...model.tensors].map(([name, { shape }]) => [name, shape]))
  const source = { shapes, dataOf: dataOf(model) }
  if (base === 'int4') return writeInt4(path, model.config, source)
  if (dtypeOf(model.tensors) === FLOATS[base]) return
  await streamSafetensors(path, shapes, source.dataOf, undefined, FLOATS[base])
}

const dataOf =
  ({ tensors }: ModelFolder) =>
  async (name: string): Promise<Float32Array> =>
    (await readStored(new Map([[name, tensors.get(name)!]]))).get(name)!.data

interface Plan {
  readonly bits: 4 | 8
  readonly axis: number
}

/**
 * Matrices of linear layers have 4 bits, in blocks along the axis that is summed over; embeddings, and with them the language model's
 * head, 8, along the embedding. Vectors stay float32, and so does what is no tensor of the model's own, as a classifier's head.
 */
function planOf(config: ModelConfig): (name: string) => Plan | undefined {
  const own = ownShapes(config)
  const { layout, unadapted } = familyOf(config)
  return (name) => {
    if (own.get(name)?.length !== 2) return undefined
    if (unadapted.includes(name.replace(/\.weight$/, ''))) return { bits: 8, axis: 1 }
    return { bits: 4, axis: layout === 'in_out' ? 0 : 1 }
  }
}

const codesKey = (name: string, bits: number): string => `${name}.int${bits}`
const scalesKey = (name: string): string => `${name}.scales`
const codeBytes = (shape: readonly number[], bits: number): number => Math.ceil((sizeOf(shape) * bits) / 8)
/** What follows must lie at a multiple of a float32's size. */
const padded = (bytes: number): number => 4 * Math.ceil(bytes / 4)

/** Writes tensors of a model in few bits, each when it is its turn. */
export async function writeInt4(
  path: string,
  config: ModelConfig,
  { shapes, dataOf: read }: Pick<TensorSource, 'shapes' | 'dataOf'>,
): Promise<void> {
  const plans = planOf(config)
  const entries = new Map<string, Pick<TensorEntry, 'dtype' | 'shape'>>()
  const bytesOf = new Map<string, () => Promise<Uint8Array>>()
  for (const [name, shape] of shapes) {
    const plan = plans(name)
    if (!plan) {
      entries.set(name, { dtype: 'F32', shape })
      bytesOf.set(name, async () => new Uint8Array((await read(name)).buffer))
      continue
    }
    const { bits, axis } = plan
    let quantised: Quantised
    entries.set(scalesKey(name), { dtype: 'F32', shape: scalesShape(shape, axis) })
    bytesOf.set(scalesKey(name), async () => {
      quantised = quantise(await read(name), shape, axis, bits)
      return new Uint8Array(quantised.scales.buffer)
    })
    const length = padded(codeBytes(shape, bits))
    entries.set(codesKey(name, bits), { dtype: 'U8', shape: [length] })
    bytesOf.set(codesKey(name, bits), async () => {
      const bytes = new Uint8Array(length)
      bytes.set(bits === 4 ? packInt4(quantised.codes) : new Uint8Array(quantised.codes.buffer))
      return bytes
    })
  }
  await streamEntries(path, entries, { format: 'pt', base: 'int4' }, (name) => bytesOf.get(name)!())
}

/**
 * Opens the folder of a model with its weights as graphs are to read them.
 *
 * @param shapesOf the parameters wanted, by default all that a folder is expected to hold
 * @throws UserError as {@link openModelFolder} does, or where the frozen weights are those of another model
 */
export async function openFrozenFolder(
  folder: string,
  shapesOf?: (config: ModelConfig) => ParameterShapes,
): Promise<ModelFolder> {
  const model = await openModelFolder(folder, shapesOf)
  const path = join(folder, FROZEN_FILE)
  if (!(await exists(path))) return model
  const shapes = new Map([...model.tensors].map(([name, { shape }]) => [name, shape]))
  return { ...model, tensors: await findFrozen(path, model.config, shapes) }
}

/**
 * Finds the tensors of a model in a file of frozen weights.
 *
 * @throws UserError where it has not all of them
 */
export async function findFrozen(
  path: string,
  config: ModelConfig,
  shapes: ParameterShapes,
): Promise<StoredTensors> {
  const { tensors: entries } = await readSafetensorsHeader(path)
  const plans = planOf(config)
  const found = [...shapes].map(([name, shape]): [string, StoredTensor] => {
    const plan = plans(name)
    const tensor = entries.get(name) ?? (plan && quantisedEntry(entries, name, shape, plan))
    if (tensor?.shape.join() !== shape.join())
      throw broken(path, `it has no tensor ${name} of [${shape.join(', ')}]`)
    return [name, { ...tensor, file: path }]
  })
  return new Map(found)
}

function quantisedEntry(
  entries: ReadonlyMap<string, TensorEntry>,
  name: string,
  shape: readonly number[],
  { bits, axis }: Plan,
): Omit<StoredTensor, 'file'> | undefined {
  const [codes, scales] = [entries.get(codesKey(name, bits)), entries.get(scalesKey(name))]
  const length = codeBytes(shape, bits)
  const fits =
    codes?.length === padded(length) &&
    scales?.dtype === 'F32' &&
    scales.shape.join() === scalesShape(shape, axis).join()
  return fits
    ? { dtype: `INT${bits}`, shape, offset: codes.offset, length, scales: { ...scales, axis } }
    : undefined
}
