/**
 * What training made of a model, as the inputs of its graphs.
 * @module
 */
import { join } from 'node:path'

import type { ModelConfig } from '../../graphs/models/family.ts'
import { familyOf } from '../../graphs/models/family.ts'
import { headShapes } from '../../graphs/models/encoder.ts'
import type { Head } from '../../graphs/models/head.ts'
import { headOutputs, isPooled } from '../../graphs/models/head.ts'
import type { LoraConfig } from '../../graphs/models/lora_config.ts'
import type { NptConfig } from '../../graphs/models/npt_config.ts'
import { nptShapes } from '../../graphs/models/npt_config.ts'
import type { ParameterShapes } from '../../graphs/models/parameters.ts'
import { UserError } from '../errors.ts'
import { checkFinite } from '../formats/finite.ts'
import { TRAINED_FILE } from '../formats/trained_file.ts'
import type { FoundModel } from './find_model.ts'
import { readPeftAdapter } from '../formats/peft.ts'
import type { FloatTensor } from '../formats/safetensors.ts'
import { readTensors } from '../formats/safetensors.ts'
import { tensorFeeds } from '../formats/tensor_feeds.ts'
import type { Feeds } from '../runtime/session.ts'
import { adapterInputs } from './adapter_inputs.ts'

/**
 * The tensors beside a frozen base: an adapter with its `lora_scale`, a classifier's head, plastic blocks.
 *
 * @returns `lora` where there is an adapter; nothing at all for a model that is whole in itself
 * @throws UserError where they do not fit the model
 */
export async function trainedFeeds(
  found: FoundModel,
  config: ModelConfig,
): Promise<{ readonly lora?: LoraConfig; readonly feeds: Feeds }> {
  const { adapter, trained } = found
  if (adapter !== undefined) {
    const read = await readPeftAdapter(adapter)
    const { lora, feeds } = adapterInputs(config, read, adapter)
    const wanted = besideShapes({ ...found, npt: undefined }, config)
    return {
      lora,
      feeds: { ...feeds, ...pick(read.head ?? new Map(), wanted, adapter) },
    }
  }
  if (trained === undefined) return { feeds: {} }
  const file = join(trained, TRAINED_FILE)
  return { feeds: pick(await readTensors(file), besideShapes(found, config), file) }
}

/** The tensors that a model has beside those of its kind: plastic blocks, and a head. */
export const besideShapes = (
  { head, npt }: { readonly head?: Head | undefined; readonly npt?: NptConfig | undefined },
  config: ModelConfig,
): ParameterShapes =>
  new Map([
    ...(npt && familyOf(config).plastic ? nptShapes(config, npt) : []),
    ...(head && isPooled(head) ? headShapes(config, headOutputs(head)) : []),
  ])

function pick(tensors: ReadonlyMap<string, FloatTensor>, shapes: ParameterShapes, where: string): Feeds {
  const wanted = [...shapes].map(([name, shape]) => {
    const tensor = tensors.get(name)
    if (tensor?.shape.join() !== shape.join())
      throw new UserError(
        `${where} has no tensor ${name} of [${shape.join(', ')}], which its model needs; was it trained for another one?`,
      )
    checkFinite(where, name, tensor.data)
    return [name, tensor] as const
  })
  return tensorFeeds(new Map(wanted))
}
