/**
 * Opens a model folder for decoding. The graph is built in memory and reads the folder's own weight file.
 * @module
 */
import { realpath } from 'node:fs/promises'
import { basename, dirname } from 'node:path'

import { decodingGraph } from '../../graphs/artifacts/generation.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import type { Gpt2Config } from '../../graphs/models/gpt2_config.ts'
import { externalData, readableInPlace } from '../formats/external_data.ts'
import { openGpt2Folder } from '../formats/model_folder.ts'
import { readPeftAdapter } from '../formats/peft.ts'
import { readEntries } from '../formats/safetensors.ts'
import { tensorFeeds } from '../formats/tensor_feeds.ts'
import type { NodeSessionOptions } from '../runtime/node.ts'
import { openNodeSession } from '../runtime/node.ts'
import { adapterInputs } from './adapter_inputs.ts'
import type { Decoder } from './decoder.ts'
import { createDecoder } from './decoder.ts'

export interface ModelDecoder {
  readonly decoder: Decoder
  readonly config: Gpt2Config
  release(): Promise<void>
}

export interface DecoderOptions extends Pick<NodeSessionOptions, 'provider' | 'threads'> {
  /** Folder of a PEFT adapter on the model. */
  readonly adapter?: string
}

/**
 * Opens the model of a folder, with an adapter where one is named.
 *
 * @throws UserError where the folder, its weights or the adapter cannot be used
 */
export async function openModelDecoder(folder: string, options: DecoderOptions = {}): Promise<ModelDecoder> {
  const { adapter, ...sessionOptions } = options
  const model = await openGpt2Folder(folder)
  const { config } = model
  const adapted =
    adapter === undefined ? undefined : adapterInputs(config, await readPeftAdapter(adapter), adapter)
  const weights = await realpath(model.weights)
  const inPlace = readableInPlace(model)
  const graph = decodingGraph({
    config,
    lora: adapted?.lora,
    stored: inPlace ? externalData(model.tensors, basename(weights)) : undefined,
  })
  const session = await openNodeSession(serialize(graph), {
    ...sessionOptions,
    name: folder,
    externalFolder: dirname(weights),
  })
  const constants = {
    // Weights of another type than float32 are converted and fed.
    ...(inPlace ? {} : tensorFeeds(await readEntries(weights, model.tensors))),
    ...adapted?.feeds,
  }
  return { decoder: createDecoder(session, config, constants), config, release: () => session.release() }
}
