/**
 * The weights of an exported model: in the type of the model that training began with, or the one that is asked for, and beside them
 * for graphs, which compute in float32, the same numbers in that.
 * @module
 */
import { join } from 'node:path'

import type { ExternalData } from '../../graphs/ir/graph.ts'
import type { ModelConfig } from '../../graphs/models/family.ts'
import { externalData, linkOrCopy } from '../formats/external_data.ts'
import { narrowTensor, widen } from '../formats/half.ts'
import type { ModelFolder } from '../formats/model_folder.ts'
import { BASE_DTYPE_KEY, dtypeOf } from '../formats/model_folder.ts'
import type { FloatDtype, FloatTensor } from '../formats/safetensors.ts'
import { readSafetensorsHeader, writeSafetensors } from '../formats/safetensors.ts'
import { WEIGHTS_FILE } from '../formats/weight_files.ts'

/** As an option names the types. */
export const EXPORT_DTYPES: Readonly<Record<string, FloatDtype>> = {
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
}

/** The type of the model that training began with: a run keeps float32, and its configuration says what that was made of. */
export function baseDtype({ config, tensors }: Pick<ModelFolder, 'config' | 'tensors'>): FloatDtype {
  const said = (config as ModelConfig & { readonly [BASE_DTYPE_KEY]?: unknown })[BASE_DTYPE_KEY]
  return EXPORT_DTYPES[String(said)] ?? dtypeOf(tensors)
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
 * Puts the float32 weights where graphs look for them: the folder's own file under another name, where it is of that type.
 *
 * @param to the file, which the graphs call `location`
 * @returns where each tensor lies in it
 */
export async function placeGraphWeights(
  folder: string,
  tensors: ReadonlyMap<string, FloatTensor>,
  dtype: FloatDtype,
  { to, location }: { readonly to: string; readonly location: string },
): Promise<Map<string, ExternalData>> {
  if (dtype === 'F32') await linkOrCopy(join(folder, WEIGHTS_FILE), to)
  else await writeSafetensors(to, tensors)
  const { tensors: entries } = await readSafetensorsHeader(to)
  return externalData(new Map([...entries].map(([name, entry]) => [name, { ...entry, file: to }])), location)
}
