/**
 * From the model that a folder stands for to generated tokens.
 * @module
 */
import type { LoraConfig } from '../../graphs/models/lora_config.ts'
import { decodingGraph } from '../../graphs/inference/generation.ts'
import { UserError } from '../errors.ts'
import { readGenerationConfig } from '../formats/generation_config.ts'
import { diskFiles } from '../formats/disk_files.ts'
import { headWords } from '../formats/heads.ts'
import { loadTokenizer } from '../formats/load_tokenizer.ts'
import type { Decoder } from '../generation/decoder.ts'
import { createDecoder } from '../generation/decoder.ts'
import type { TokenGenerator } from '../generation/token_generator.ts'
import { createTokenGenerator } from '../generation/token_generator.ts'
import { nodeRuntime } from '../runtime/node_runtime.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { Tensors } from '../runtime/session.ts'
import type { ModelFacts } from '../../graphs/models/family.ts'
import { factsOf } from '../../graphs/models/family.ts'
import type { FoundModel } from './find_model.ts'
import { headOf } from './find_model.ts'
import { openFoundModel } from './open_found_model.ts'

/** An adapter that may change between two tokens, in place of the found model's own. */
export interface LiveAdapter {
  readonly lora: LoraConfig
  /** Its tensors, and `lora_scale`; read anew for each token. */
  readonly feeds: Tensors
}

export interface ModelDecoder {
  readonly decoder: Decoder
  readonly facts: ModelFacts
  release(): Promise<void>
}

/**
 * Opens a model with what was trained beside it, for decoding.
 *
 * @throws UserError where the folder, its weights or the trained tensors cannot be used
 */
export async function openModelDecoder(
  found: FoundModel,
  runtime: Runtime = nodeRuntime(),
  live?: LiveAdapter,
): Promise<ModelDecoder> {
  const opened = await openFoundModel(
    live ? { base: found.base } : found,
    ({ lora: own, ...request }) => {
      const lora = live?.lora ?? own
      return decodingGraph({ ...request, ...(typeof lora === 'string' ? {} : { lora }) })
    },
    runtime,
  )
  const facts = factsOf(opened.config)
  return {
    decoder: createDecoder(opened.session, facts, { ...opened.parameters, ...live?.feeds }),
    facts,
    release: () => opened.session.release(),
  }
}

/** @throws UserError where the model cannot be opened, writes no text, or its tokenizer is another model's */
export async function openTokenGenerator(
  found: FoundModel,
  runtime: Runtime = nodeRuntime(),
  live?: LiveAdapter,
): Promise<TokenGenerator> {
  const { base } = found
  const { kind } = headOf(found)
  const { noun, command } = headWords[kind]
  if (kind !== 'language')
    throw new UserError(`${base} is a ${noun} and writes no text; use "${command}" instead`)
  const tokenizer = await loadTokenizer(base)
  const config = await readGenerationConfig(diskFiles(base))
  const { decoder, facts, ...opened } = await openModelDecoder(found, runtime, live)
  return createTokenGenerator({
    decoder,
    tokenizer,
    context: facts.context,
    config,
    release: () => opened.release(),
  })
}
