/**
 * What training made of a model, as the inputs of its graphs.
 * @module
 */
import { join } from 'node:path'

import { HEAD } from '../../graphs/models/classifier.ts'
import type { Gpt2Config } from '../../graphs/models/gpt2_config.ts'
import type { LoraConfig } from '../../graphs/models/lora_config.ts'
import { UserError } from '../errors.ts'
import { HEAD_FILE } from '../formats/checkpoint.ts'
import type { FoundModel } from '../formats/find_model.ts'
import { readPeftAdapter } from '../formats/peft.ts'
import { readTensors } from '../formats/safetensors.ts'
import { tensorFeeds } from '../formats/tensor_feeds.ts'
import type { Feeds } from '../runtime/session.ts'
import { adapterInputs } from './adapter_inputs.ts'

/**
 * The tensors beside a frozen base: an adapter with its `lora_scale`, and a classifier's head.
 *
 * @returns `lora` where there is an adapter; nothing at all for a model that is whole in itself
 * @throws UserError where they do not fit the model
 */
export async function trainedFeeds(
  { base, adapter, headOnly, classifier }: FoundModel,
  config: Gpt2Config,
): Promise<{ readonly lora?: LoraConfig; readonly feeds: Feeds }> {
  const where = adapter ?? headOnly
  if (where === undefined) return { feeds: {} }
  const read = adapter === undefined ? undefined : await readPeftAdapter(adapter)
  const head = read ? read.head : (await readTensors(join(where, HEAD_FILE))).get(HEAD)
  if (classifier && head?.shape.join() !== [classifier.classes.length, config.n_embd].join())
    throw new UserError(
      `${where} has no head for the ${classifier.classes.length} classes of ${base}; was it trained for another task?`,
    )
  const { lora, feeds } = read ? adapterInputs(config, read, where) : { feeds: {} }
  return {
    ...(lora ? { lora } : {}),
    feeds: { ...feeds, ...(classifier && head ? tensorFeeds(new Map([[HEAD, head]])) : {}) },
  }
}
