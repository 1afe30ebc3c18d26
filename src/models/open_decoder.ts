/**
 * Opens a model for decoding.
 * @module
 */
import { decodingGraph } from '../../graphs/artifacts/generation.ts'
import type { Gpt2Config } from '../../graphs/models/gpt2_config.ts'
import { gpt2ParameterShapes } from '../../graphs/models/gpt2_config.ts'
import type { FoundModel } from './find_model.ts'
import type { NodeSessionOptions } from '../runtime/node.ts'
import type { Decoder } from '../generation/decoder.ts'
import { createDecoder } from '../generation/decoder.ts'
import { openFoundModel } from './open_found_model.ts'

export interface ModelDecoder {
  readonly decoder: Decoder
  readonly config: Gpt2Config
  release(): Promise<void>
}

export type DecoderOptions = Pick<NodeSessionOptions, 'provider' | 'threads'>

/**
 * Opens a model with what was trained beside it.
 *
 * @throws UserError where the folder, its weights or the trained tensors cannot be used
 */
export async function openModelDecoder(
  found: FoundModel,
  options: DecoderOptions = {},
): Promise<ModelDecoder> {
  const { config, session, parameters } = await openFoundModel(
    found,
    gpt2ParameterShapes,
    ({ lora, ...parts }) => decodingGraph({ ...parts, ...(typeof lora === 'string' ? {} : { lora }) }),
    options,
  )
  return {
    decoder: createDecoder(session, config, parameters),
    config,
    release: () => session.release(),
  }
}
