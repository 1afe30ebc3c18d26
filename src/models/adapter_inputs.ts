/** @module */
import type { ModelConfig } from '../../graphs/models/family.ts'
import { adaptedShapes } from '../../graphs/models/adaptation.ts'
import { ownShapes } from '../../graphs/models/own_shapes.ts'
import type { LoraConfig } from '../../graphs/models/lora_config.ts'
import { adapterScale } from '../../graphs/models/lora_config.ts'
import { UserError } from '../errors.ts'
import type { PeftAdapter } from '../formats/peft_files.ts'
import { adaptedModules, loraOf } from '../formats/peft_files.ts'
import { tensorFeeds } from '../formats/tensor_feeds.ts'
import { loraScale } from '../runtime/feeds.ts'
import type { Feeds } from '../runtime/session.ts'

/**
 * An adapter as the inputs of a graph: which modules carry one, and what to feed.
 *
 * @param where what errors call the adapter
 * @throws UserError where the adapter does not fit the model
 */
export function adapterInputs(
  config: ModelConfig,
  adapter: PeftAdapter,
  where: string,
): { readonly lora: LoraConfig; readonly feeds: Feeds } {
  const { tensors } = adapter
  const lora = { ...loraOf(adapter), target_modules: adaptedModules(adapter) }
  const shapes = expectedShapes(config, lora, where)
  for (const [name, shape] of shapes) {
    const found = tensors.get(name)?.shape
    if (found?.join() !== shape.join()) {
      throw new UserError(
        `${where}: ${name} is ${found ? `[${found.join(', ')}]` : 'missing'} but the model needs [${shape.join(', ')}]; was it trained on another model?`,
      )
    }
  }
  return { lora, feeds: { ...tensorFeeds(tensors), ...loraScale(adapterScale(lora)) } }
}

function expectedShapes(config: ModelConfig, lora: LoraConfig, where: string) {
  try {
    return adaptedShapes({ config, shapes: ownShapes(config), lora })
  } catch (error) {
    throw new UserError(`${where} does not fit the model: ${(error as Error).message}`)
  }
}
