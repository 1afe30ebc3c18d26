/** @module */
import { z } from 'zod'

import type { ModelConfig } from '../../graphs/models/family.ts'
import type { Head } from '../../graphs/models/head.ts'
import { UserError } from '../errors.ts'
import { headSchema } from '../formats/heads.ts'
import { learningSchema } from '../runs/learning_config.ts'
import { checkLearner, checkLearning } from '../runs/check_learning.ts'
import { withLearningRate } from '../runs/learning_rate.ts'
import { checkJson } from '../schema.ts'
import { taskNamed } from '../tasks/index.ts'

const settingsSchema = learningSchema.extend({
  learning_rate: learningSchema.shape.learning_rate.unwrap().unwrap(),
})

/** How a run in a tab learns: the keys of a YAML file that do not speak of folders. */
export type TabSettings = z.infer<typeof settingsSchema>

const recordSchema = z.strictObject({
  format_version: z.literal(1),
  name: z.string().min(1),
  /** What errors call its model. */
  model: z.string(),
  settings: settingsSchema,
  head: headSchema,
  /** What the page keeps beside, such as the template of the rows. */
  notes: z.record(z.string(), z.unknown()),
})

/** What is kept of a run in a tab beside its data and its tensors. */
export type TabRunRecord = Omit<z.infer<typeof recordSchema>, 'head'> & { readonly head: Head }

/**
 * Settings with their defaults.
 *
 * @param given the keys of a YAML file, such as `{ task: 'dpo', lora: { r: 8 }, max_steps: 100 }`
 * @param where what errors call them
 * @throws UserError where they are none, do not go together, or do not suit the model
 */
export function tabSettings(
  given: object,
  config: ModelConfig,
  model: string,
  where = 'the settings',
): TabSettings {
  const settings = checkJson(learningSchema, given, where)
  checkLearning(settings)
  checkLearner(settings, config, model)
  const { refuses } = taskNamed(settings.task)
  if (refuses.plasticBlocks === 'needed')
    throw new UserError(
      `task ${settings.task} trains plastic blocks, which a tab does not; choose another task`,
    )
  return withLearningRate(settings, config)
}

/** @throws UserError where it is none */
export const parseRecord = (json: unknown, where: string): TabRunRecord =>
  checkJson(recordSchema, json, where)
