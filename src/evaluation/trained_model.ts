/** @module */
import type { ModelConfig } from '../../graphs/models/family.ts'
import type { FoundModel } from '../models/find_model.ts'
import { openFoundModel, withModel } from '../models/open_found_model.ts'
import { openTokenGenerator } from '../models/open_token_generator.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { TrainedModel } from '../tasks/task.ts'
import type { Tokenizer } from '../text/tokenizer.ts'

/** A found model as tasks judge it. */
export const trainedModel = (
  found: FoundModel,
  given: { readonly config: ModelConfig; readonly tokenizer: Tokenizer; readonly runtime: Runtime },
): TrainedModel => ({
  config: given.config,
  tokenizer: given.tokenizer,
  npt: found.npt ?? null,
  withGraph: async (build, use) => withModel(await openFoundModel(found, build, given.runtime), use),
  generator: () => openTokenGenerator(found, given.runtime),
  before: () => trainedModel({ base: found.base }, given),
})
