/** @module */
import { join } from 'node:path'

import { languageModelTrainable } from '../../../graphs/models/language_model.ts'
import type { ParameterShapes } from '../../../graphs/models/parameters.ts'
import { UserError } from '../../errors.ts'
import { readModelConfig } from '../../formats/model_config.ts'
import { checkWrites } from '../../formats/parse_model_config.ts'
import { readPeftAdapter } from '../../formats/peft.ts'
import type { FloatTensor } from '../../formats/safetensors.ts'
import type { FoundModel } from '../../models/find_model.ts'
import { adapterInputs } from '../../models/adapter_inputs.ts'
import { adaptationOf } from '../learning_config.ts'
import type { TensorsToFill } from '../checkpoint.ts'
import { initialAdapter } from '../initialise.ts'
import type { AdapterTensors, StartingAdapter } from './learner.ts'

const SEED = 42

/**
 * The adapter that lessons begin with: the model's own, or a fresh one, under which the model is what it was.
 *
 * @throws UserError where the model has plastic blocks, or the adapter does not fit it
 */
export async function startingAdapter({ base, adapter, npt }: FoundModel): Promise<StartingAdapter> {
  if (npt)
    throw new UserError(
      `${base} has plastic blocks, which learn by consolidating and not by steps; give --learn consolidate`,
    )
  const path = join(base, 'config.json')
  const config = await readModelConfig(base)
  checkWrites(config, path)
  if (adapter !== undefined) {
    const read = await readPeftAdapter(adapter)
    const { lora } = adapterInputs(config, read, adapter)
    return { ...lora, tensors: read.tensors }
  }
  const lora = adaptationOf({ npt: null }, config)
  if (typeof lora === 'string') throw new Error('without options, adapters are what is trained')
  return { ...lora, tensors: await freshAdapter(languageModelTrainable({ config, lora }), SEED) }
}

/** A fresh adapter's tensors, from a seed. */
export async function freshAdapter(shapes: ParameterShapes, seed: number): Promise<AdapterTensors> {
  const tensors = new Map<string, FloatTensor>()
  const fill: TensorsToFill = {
    names: [...shapes.keys()],
    shape: (name) => shapes.get(name)!,
    write: async (name, _, data) =>
      void tensors.set(name, { shape: shapes.get(name)!, data: Float32Array.from(data) }),
  }
  await initialAdapter(fill, seed)
  return tensors
}
