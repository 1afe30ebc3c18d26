/**
 * Opens a model folder for decoding. The graph is built in memory and reads the folder's own weight file.
 * @module
 */
import { decodingGraph } from '../../graphs/artifacts/generation.ts'
import type { Gpt2Config } from '../../graphs/models/gpt2_config.ts'
import { openGpt2Folder } from '../formats/model_folder.ts'
import { readPeftAdapter } from '../formats/peft.ts'
import type { NodeSessionOptions } from '../runtime/node.ts'
import { adapterInputs } from './adapter_inputs.ts'
import type { Decoder } from './decoder.ts'
import { createDecoder } from './decoder.ts'
import { openGraph } from './open_graph.ts'

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
  const { session, constants } = await openGraph(
    folder,
    model,
    (stored) => decodingGraph({ config, lora: adapted?.lora, stored }),
    sessionOptions,
  )
  const decoder = createDecoder(session, config, { ...constants, ...adapted?.feeds })
  return { decoder, config, release: () => session.release() }
}
