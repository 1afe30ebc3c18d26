/**
 * From the folder of a model, a run or a checkpoint to generated text.
 * @module
 */
import type { Continuation, Generator, TextOptions } from '../generation/text_generator.ts'
import { textGenerator } from '../generation/text_generator.ts'
import type { Device } from '../runtime/device.ts'
import { nodeRuntime } from '../runtime/node_runtime.ts'
import type { ModelChoice } from './find_model.ts'
import { findModel } from './find_model.ts'
import { openTokenGenerator } from './open_token_generator.ts'

export type { Continuation, Generator, TextOptions }

export interface GeneratorOptions extends ModelChoice, Device {
  /** False leaves aside how the model's generation_config.json wants to sample; its ends of text count all the same. */
  readonly defaults?: boolean | undefined
}

/**
 * Opens a folder for text generation; greedy unless `do_sample` is set, by the options or by the model's
 * generation_config.json.
 *
 * @example
 * const generator = await openGenerator('runs/dictionary')
 * const [answer] = await generator.generate(['Word: lantern ; Definition:'], { max_new_tokens: 30 })
 *
 * @throws UserError where the folder holds no model, or its parts do not fit each other
 */
export async function openGenerator(folder: string, options: GeneratorOptions = {}): Promise<Generator> {
  const { checkpoint, adapter, defaults = true, ...device } = options
  const found = await findModel(folder, { checkpoint, adapter })
  return textGenerator(await openTokenGenerator(found, nodeRuntime(device)), { defaults })
}
