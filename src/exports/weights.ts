/**
 * The weights of an exported model: in the type of the model that training began with, or the one that is asked for. The graphs read
 * them where they lie and compute in float32; with int4 they have a file of their own, of few bits, and other tools the floats beside it.
 * @module
 */
import { writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'

import type { ExternalData, Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import type { ModelConfig } from '../../graphs/models/family.ts'
import { externalData } from '../formats/external_data.ts'
import { linkOrCopy } from '../formats/copies.ts'
import { findFrozen, writeInt4 } from '../formats/frozen_weights.ts'
import { narrowTensor, widen } from '../formats/half.ts'
import type { ModelFolder } from '../formats/model_folder.ts'
import { BASE_DTYPE_KEY, dtypeOf } from '../formats/model_folder.ts'
import type { FloatDtype, FloatTensor } from '../formats/safetensors.ts'
import type { ExportType, graphNames } from './export_type.ts'
import { NAMED_FLOATS } from './export_type.ts'
import { WEIGHTS_FILE } from '../formats/weight_files.ts'

/** The type of the model that training began with: a run keeps float32, and its configuration says what that was made of. */
export function baseDtype({ config, tensors }: Pick<ModelFolder, 'config' | 'tensors'>): FloatDtype {
  const said = (config as ModelConfig & { readonly [BASE_DTYPE_KEY]?: unknown })[BASE_DTYPE_KEY]
  return NAMED_FLOATS[String(said)] ?? dtypeOf(tensors)
}

/** The values that a type has, nearest to the given ones. Throws UserError where one is beyond its largest. */
export function roundTo(
  tensors: ReadonlyMap<string, FloatTensor>,
  dtype: FloatDtype,
): ReadonlyMap<string, FloatTensor> {
  if (dtype === 'F32') return tensors
  const round = (name: string, data: Float32Array) => widen(narrowTensor(name, data, dtype), dtype)
  return new Map([...tensors].map(([name, { shape, data }]) => [name, { shape, data: round(name, data) }]))
}

/**
 * Writes a model's graph, and its weights, under each of its names.
 *
 * @param onnx the folder
 * @param build the graph, given where each tensor lies
 * @returns where they lie for the first of the names
 */
export async function placeGraphs(
  exported: ExportedWeights,
  type: ExportType | undefined,
  { all }: Pick<ReturnType<typeof graphNames>, 'all'>,
  onnx: string,
  build: (stored: ReadonlyMap<string, ExternalData>) => Graph,
): Promise<ReadonlyMap<string, ExternalData>> {
  const places: ReadonlyMap<string, ExternalData>[] = []
  for (const { graph, weights } of all) {
    const stored = await placeGraphWeights(exported, type, join(onnx, weights))
    await writeFile(join(onnx, graph), serialize(build(stored)))
    places.push(stored)
  }
  return places[0]!
}

/**
 * Puts the weights where graphs look for them: the folder's own file under another name, or one of few bits.
 *
 * @param model the folder, and what its file of weights holds
 * @param to the file, which the graphs call by its name
 * @returns where each tensor lies in it
 */
async function placeGraphWeights(
  { folder, config, tensors }: ExportedWeights,
  type: ExportType | undefined,
  to: string,
): Promise<Map<string, ExternalData>> {
  const shapes = new Map([...tensors].map(([name, { shape }]) => [name, shape]))
  if (type === 'INT4')
    await writeInt4(to, config, { shapes, dataOf: (name) => Promise.resolve(tensors.get(name)!.data) })
  else await linkOrCopy(join(folder, WEIGHTS_FILE), to)
  return externalData(await findFrozen(to, config, shapes), basename(to))
}

interface ExportedWeights {
  readonly folder: string
  readonly config: ModelConfig
  readonly tensors: ReadonlyMap<string, FloatTensor>
}
