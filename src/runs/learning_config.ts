/**
 * What of a configuration says how is learned, wherever the model, the data and the run are.
 * @module
 */
import { z } from 'zod'

import { poolings } from '../../graphs/layers/pooling.ts'
import type { Adaptation } from '../../graphs/models/adaptation.ts'
import type { ModelConfig } from '../../graphs/models/family.ts'
import { familyOf } from '../../graphs/models/family.ts'
import { UserError } from '../errors.ts'
import { gradientCheckpointingSchema, loraConfigSchema } from '../formats/adaptation_schema.ts'
import { PRECISIONS } from '../formats/precision.ts'
import { trainingOptionsSchema } from '../learning/options.ts'
import type { TaskName } from '../tasks/index.ts'
import { TASK_NAMES, taskNamed, tasks } from '../tasks/index.ts'

type OptionsOfTasks = { readonly [N in TaskName]: z.ZodOptional<(typeof tasks)[N]['options']> }

/** The options of each task, under its name. */
export const optionsOfTasks = Object.fromEntries(
  TASK_NAMES.map((name) => [name, taskNamed(name).options.optional()]),
) as unknown as OptionsOfTasks

/** Which modules carry adapters by default depends on the model. */
const loraOptionsSchema = loraConfigSchema.extend({
  target_modules: loraConfigSchema.shape.target_modules
    .optional()
    .describe('Modules with adapters, by name or ending; by default those that the model family names.'),
})

/** These keys. */
export const learningShape = {
  learning_rate: trainingOptionsSchema.shape.learning_rate
    .unwrap()
    .nullable()
    .default(null)
    .describe(
      'The highest one, which the warm-up ends at; null: what suits the task and what is trained (docs/learning_rate.md).',
    ),
  task: z.enum(TASK_NAMES).default('sft').describe('What is learned; each task has a page of its own.'),
  lora: z
    .union([z.literal('full'), z.literal('none'), loraOptionsSchema])
    .optional()
    .describe(
      "Options of the adapters; `full` trains every parameter, `none` a classifier's head or plastic blocks alone. Left out: adapters, or none beside plastic blocks.",
    ),
  pooling: z
    .enum(poolings)
    .default('last')
    .describe(
      "What a head on a model that writes looks at: the last token's state, or the mean of all tokens'.",
    ),
  classifier_dropout: z
    .number()
    .min(0)
    .lt(1)
    .default(0.1)
    .describe("Probability of dropping a feature before a classifier's or a reward model's head."),
  overlong: z
    .enum(['error', 'skip'])
    .default('error')
    .describe('What to do with a prompt that fills `max_length`: stop, or leave it out.'),
  gradient_checkpointing: gradientCheckpointingSchema
    .default(false)
    .describe(
      'Less memory for about a quarter more time: the backward pass computes what it reads inside each block once more (docs/memory.md); a number: of so many blocks together.',
    ),
  precision: z
    .enum(PRECISIONS)
    .default('fp32')
    .describe(
      'What the graphs compute in; with fp16 and bf16 trained tensors, norms, sums and losses stay float32. On the CPU 16 bits are stored and float32 is computed in (docs/precision.md).',
    ),
}

/** What is said under these keys and those of training. */
export const learningSchema = trainingOptionsSchema.extend({ ...learningShape, ...optionsOfTasks })

export type LearningConfig = z.infer<typeof learningSchema>

/** The options of a run's task, with their defaults where nothing is said. */
export function taskOptions(config: LearningConfig): object {
  const given = config[config.task]
  const result = taskNamed(config.task).options.safeParse(given ?? {})
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  const key = [config.task, ...path].join('.')
  throw new UserError(
    `task ${config.task} needs ${key}: ${message.charAt(0).toLowerCase()}${message.slice(1)}`,
  )
}

/** What of the model is trained: adapters with their defaults where nothing is said, nothing of it beside plastic blocks. */
export function adaptationOf(
  { lora, npt }: Pick<LearningConfig, 'lora'> & { readonly npt?: object | null },
  config: ModelConfig,
): Adaptation {
  if (typeof lora === 'string') return lora
  if (!lora && npt) return 'none'
  const targets = lora?.target_modules ?? familyOf(config).adapterTargets
  const result = loraConfigSchema.safeParse({ ...lora, target_modules: targets })
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  throw new UserError(
    `${['lora', ...path].join('.')}: ${message.charAt(0).toLowerCase()}${message.slice(1)}; give another`,
  )
}
