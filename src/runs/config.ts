/**
 * What a run is made from: the keys of a training YAML file. `docs/configuration.md` is written from these schemas.
 * @module
 */
import { z } from 'zod'

import type { Adaptation } from '../../graphs/models/adaptation.ts'
import type { ModelConfig } from '../../graphs/models/family.ts'
import { familyOf } from '../../graphs/models/family.ts'
import { UserError } from '../errors.ts'
import { poolings } from '../../graphs/layers/pooling.ts'
import { BASES } from '../formats/frozen_weights.ts'
import { gradientCheckpointingSchema, loraConfigSchema } from '../formats/manifest.ts'
import { nptConfigSchema } from '../formats/npt_config.ts'
import { PRECISIONS } from '../formats/precision.ts'
import type { Stage } from './curriculum/options.ts'
import { curriculumSchema, stagesSchema } from './curriculum/options.ts'
import { classesSchema, evalSourceSchema, givenTemplateSchema, sourceSchema } from './data_options.ts'
import { PROVIDER_OPTIONS } from '../runtime/device.ts'
import { trainingOptionsSchema } from '../learning/options.ts'
import { TASK_NAMES, taskNamed, tasks } from '../tasks/index.ts'
import type { TaskName } from '../tasks/index.ts'

type OptionsOfTasks = { readonly [N in TaskName]: z.ZodOptional<(typeof tasks)[N]['options']> }

/** The options of each task, under its name. */
const optionsOfTasks = Object.fromEntries(
  TASK_NAMES.map((name) => [name, taskNamed(name).options.optional()]),
) as unknown as OptionsOfTasks

/** Which modules carry adapters by default depends on the model. */
const loraOptionsSchema = loraConfigSchema.extend({
  target_modules: loraConfigSchema.shape.target_modules
    .unwrap()
    .optional()
    .describe('Modules with adapters, by name or ending; by default those that the model family names.'),
})

const plasticRunSchema = z
  .strictObject({ from: z.string().min(1).describe('The run whose plastic blocks training starts from.') })
  .describe('Those of another run.')

/** The keys of one run, without those of a curriculum. */
const singleRunSchema = trainingOptionsSchema.extend({
  learning_rate: trainingOptionsSchema.shape.learning_rate
    .unwrap()
    .nullable()
    .default(null)
    .describe(
      'The highest one, which the warm-up ends at; null: what suits the task and what is trained (docs/learning_rate.md).',
    ),
  task: z.enum(TASK_NAMES).default('sft').describe('What is learned; each task has a page of its own.'),
  model: z.string().min(1).describe('A Hugging Face model folder, or a config.json for random weights.'),
  output_dir: z.string().min(1).describe("The run's folder: a new one, or that of artifacts to replace."),
  lora: z
    .union([z.literal('full'), z.literal('none'), loraOptionsSchema])
    .optional()
    .describe(
      "Options of the adapters; `full` trains every parameter, `none` a classifier's head or plastic blocks alone. Left out: adapters, or none beside plastic blocks.",
    ),
  base: z
    .enum(BASES)
    .nullable()
    .default(null)
    .describe(
      'What the frozen weights are kept in: `int4`, or floats; null: what the model has them in (docs/base.md). Results are written from the model itself.',
    ),
  npt: z
    .union([plasticRunSchema, nptConfigSchema], {
      error:
        'it must name a run (from: …), or describe blocks by rank, modulation_scale and init_scale above 0, layers (all, upper_half, lower_half or a list of numbers) and attention_residual (true or false)',
    })
    .nullable()
    .default(null)
    .describe('Plastic blocks to train on the frozen model: fresh ones, or those of another run.'),
  from: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe(
      'A run of the same model and adaptation, or one of its checkpoints, whose trained tensors this one starts from; the optimizer starts afresh.',
    ),
  ...optionsOfTasks,
  pooling: z
    .enum(poolings)
    .default('last')
    .describe("What a head on GPT-2 looks at: the last token's state, or the mean of all tokens'."),
  classifier_dropout: z
    .number()
    .min(0)
    .lt(1)
    .default(0.1)
    .describe("Probability of dropping a feature before a classifier's or a reward model's head."),
  data: z
    .array(sourceSchema)
    .min(1)
    .describe(
      'The sources of the rows, one after another, such as data/instructions.csv, which comes with ortune.',
    ),
  template: givenTemplateSchema.describe(
    'How rows become examples, in sources that do not say it themselves; by default told by their columns.',
  ),
  filter: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe(
      'Which rows are learned from: a condition such as `{{ row.response | length < 100 }}`; null: all. Splits and classes are those of all rows.',
    ),
  eval_data: z
    .array(evalSourceSchema)
    .min(1)
    .nullable()
    .default(null)
    .describe(
      'Sources to evaluate on, in place of the validation and test rows of `data`, which are left out then; null: those.',
    ),
  eval_filter: z
    .union([z.literal(true), z.string().min(1)])
    .nullable()
    .default(null)
    .describe(
      'Which validation and test rows are evaluated on: a condition, or `true` for all; null: those of `filter`.',
    ),
  eval_max_length: z
    .union([z.literal('context'), z.int().min(2)])
    .nullable()
    .default(null)
    .describe(
      "Longest example in tokens where it is evaluated on, or `context` for the model's; null: `max_length`.",
    ),
  classes: classesSchema
    .nullable()
    .default(null)
    .describe('Classes in order, where a class is learned; null: those of the training data, sorted.'),
  max_length: z
    .int()
    .min(2)
    .nullable()
    .default(null)
    .describe("Longest example in tokens; null: the model's context."),
  overlong: z
    .enum(['error', 'skip'])
    .default('error')
    .describe('What to do with a prompt that fills `max_length`: stop, or leave it out.'),
  odd_rows: z
    .enum(['error', 'skip'])
    .default('error')
    .describe(
      'What to do with a row that does not fit its template, such as a conversation of other turns or a label that is missing, or that is damaged, as a line that is no JSON: stop, or leave it out and count it.',
    ),
  gradient_checkpointing: gradientCheckpointingSchema
    .default(false)
    .describe(
      'Less memory for about a quarter more time: the backward pass computes what it reads inside each block once more (docs/memory.md); a number: of so many blocks together.',
    ),
  provider: z
    .enum(PROVIDER_OPTIONS)
    .default('cpu')
    .describe(
      'What ONNX Runtime computes on: the CPU; a GPU through WebGPU (Vulkan, Metal, Direct3D 12) or CUDA; `auto`: the first of cuda, webgpu and cpu that works.',
    ),
  precision: z
    .enum(PRECISIONS)
    .default('fp32')
    .describe(
      'What the graphs compute in; with fp16 and bf16 trained tensors, norms, sums and losses stay float32. On the CPU 16 bits are stored and float32 is computed in (docs/precision.md).',
    ),
  threads: z
    .int()
    .min(1)
    .max(1024)
    .nullable()
    .default(null)
    .describe('Threads of ONNX Runtime, at most two per core; null: one per physical core.'),
  prepacking: z
    .boolean()
    .nullable()
    .default(null)
    .describe(
      'True keeps the frozen weights twice more in the memory of each session, in the layouts that its products like best, for some percent of the speed; null: false.',
    ),
})

type SingleRunConfig = z.infer<typeof singleRunSchema>

/** A stage of a curriculum: a name, and what of the configuration is another in it. */
export type StageOptions = Stage<SingleRunConfig>

export const runConfigSchema = singleRunSchema.extend({
  stages: stagesSchema<SingleRunConfig>(singleRunSchema.shape)
    .nullable()
    .default(null)
    .describe(
      'Stages of a curriculum, each a run that starts from the best checkpoint of the one before: a `name`, and any keys that differ in it, such as `filter` and `max_length`.',
    ),
  curriculum: curriculumSchema
    .nullable()
    .default(null)
    .describe('How it goes from stage to stage; null: each to its end, as given.'),
})

export type RunConfig = z.infer<typeof runConfigSchema>

/** A configuration as a run keeps it. */
export type SettledConfig = RunConfig & { readonly learning_rate: number }

/** Checks what a run keeps. Runs of before methods had defaults of their own have one in any case. */
export const settledConfigSchema: z.ZodType<SettledConfig> = runConfigSchema.extend({
  learning_rate: trainingOptionsSchema.shape.learning_rate,
})

/** Whether sessions copy the frozen weights into the layout that their kernels like best. */
export const prepacks = ({ prepacking }: Pick<RunConfig, 'prepacking'>): boolean => prepacking ?? false

/** The options of a run's task, with their defaults where nothing is said. */
export function taskOptions(config: RunConfig): object {
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
  { lora, npt }: Pick<RunConfig, 'lora' | 'npt'>,
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
