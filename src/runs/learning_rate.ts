/** @module */
import type { ModelConfig } from '../../graphs/models/family.ts'
import { factsOf } from '../../graphs/models/family.ts'
import type { Method } from '../learning/default_rate.ts'
import { defaultLearningRate, methodOf } from '../learning/default_rate.ts'
import { taskNamed } from '../tasks/index.ts'
import { adaptationOf } from './learning_config.ts'
import type { LearningConfig } from './learning_config.ts'

/** What of a model a run trains. */
export const methodOfRun = (
  config: Pick<LearningConfig, 'lora'> & { readonly npt?: object | null },
  model: ModelConfig,
): Method => methodOf(adaptationOf(config, model), config.npt ?? null)

/** The configuration with its learning rate: the one that it names, else the default of the task and of what is trained. */
export function withLearningRate<C extends LearningConfig>(
  config: C,
  model: ModelConfig,
): C & { readonly learning_rate: number } {
  const method = methodOfRun(config, model)
  const factor = taskNamed(config.task).rates?.[method]
  return {
    ...config,
    learning_rate: config.learning_rate ?? defaultLearningRate(method, factsOf(model).width, factor),
  }
}
