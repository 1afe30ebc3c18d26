/**
 * What training starts from.
 * @module
 */
import { join } from 'node:path'

import { sizeOf } from '../../graphs/ir/shape.ts'
import type { ModelConfig } from '../../graphs/models/family.ts'
import { isPooled } from '../../graphs/models/head.ts'
import { nptShapes } from '../../graphs/models/npt_config.ts'
import { ownShapes } from '../../graphs/models/own_shapes.ts'
import type { ParameterShapes } from '../../graphs/models/parameters.ts'
import { savedModule } from '../../graphs/models/saved_modules.ts'
import { linkOrCopy } from '../formats/copies.ts'
import type { Manifest } from '../formats/manifest.ts'
import { INITIAL_FILE } from '../formats/manifest.ts'
import { formatOf } from '../formats/families/family.ts'
import { openModelFolder } from '../formats/model_folder.ts'
import { readStored } from '../formats/read_stored.ts'
import { exists } from '../formats/read_file.ts'
import type { FloatTensor } from '../formats/safetensors.ts'
import { readSafetensorsHeader, writeSafetensors } from '../formats/safetensors.ts'
import { loadParameters, loadStart, loadTensors } from './checkpoint.ts'
import type { TensorsToFill } from './checkpoint.ts'
import { INITIAL_NPT, initialAdapter, initialHead, initialPlasticBlocks } from './initialise.ts'
import { bodyShapes } from './run_graphs.ts'

export type Beginnings = Pick<Manifest, 'lora' | 'head' | 'npt' | 'seed' | 'settings'>

/**
 * Fills the trained tensors of the artifacts in a folder: from its model, from other plastic blocks, or drawn from the seed; of a
 * run that starts from another one with what it was given.
 */
export async function fillInitial(
  folder: string,
  tensors: TensorsToFill,
  { lora, head, npt, seed, settings }: Beginnings,
  config: ModelConfig,
): Promise<void> {
  if (typeof settings?.['from'] === 'string') return loadTensors(join(folder, INITIAL_FILE), tensors)
  if (lora === 'full') await loadParameters(folder, tensors, bodyShapes(config, head))
  else {
    await initialAdapter(tensors, seed)
    await loadSaved(folder, tensors, config)
  }
  if (npt) {
    await initialPlasticBlocks(tensors, npt, seed)
    const given = join(folder, INITIAL_NPT)
    if (await exists(given)) await loadTensors(given, tensors, nptShapes(config, npt))
  }
  if (isPooled(head)) await initialHead(tensors, config, seed)
}

/** Copies of embeddings and heads begin as the model's own. */
async function loadSaved(folder: string, tensors: TensorsToFill, config: ModelConfig): Promise<void> {
  const copies = tensors.names.filter((name) => savedModule(name) !== undefined)
  if (copies.length === 0) return
  const tie = formatOf(config).tied(config)
  const { tensors: entries } = await openModelFolder(folder, ownShapes)
  for (const name of copies) {
    const weight = `${savedModule(name)!}.weight`
    const own = weight === tie?.tensor ? tie.to : weight
    const read = await readStored(new Map([[own, entries.get(own)!]]))
    await tensors.write(name, 'parameter', read.get(own)!.data)
  }
}

/**
 * Writes these tensors, under the names of the graphs' inputs, for those who train with the graphs elsewhere. Where they are
 * the model's own, the file is another name of `model.safetensors`.
 *
 * @param start the checkpoint of another run that they are taken from
 */
export async function writeInitial(
  folder: string,
  trainable: ParameterShapes,
  beginnings: Beginnings,
  config: ModelConfig,
  start?: string,
): Promise<void> {
  const [weights, path] = [join(folder, 'model.safetensors'), join(folder, INITIAL_FILE)]
  const { tensors: stored } = await readSafetensorsHeader(weights)
  if (
    start === undefined &&
    beginnings.lora === 'full' &&
    [...trainable.keys()].every((name) => stored.get(name)?.dtype === 'F32')
  )
    return linkOrCopy(weights, path)
  // Those that nothing is drawn for, such as a value head, begin at 0.
  const tensors = new Map(
    [...trainable].map(([name, shape]): [string, FloatTensor] => [
      name,
      { shape, data: new Float32Array(sizeOf(shape)) },
    ]),
  )
  const state: TensorsToFill = {
    names: [...trainable.keys()],
    shape: (name) => trainable.get(name)!,
    write: async (name, _, data) => tensors.get(name)!.data.set(data),
  }
  if (start === undefined) await fillInitial(folder, state, beginnings, config)
  else await loadStart(start, state, beginnings.lora)
  await writeSafetensors(path, tensors)
}
