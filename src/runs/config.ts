/**
 * What a run is made from: the keys of a training YAML file. `docs/configuration.md` is written from these schemas.
 * @module
 */
import { z } from 'zod'

import { BASES } from '../formats/base.ts'
import { nptConfigSchema } from '../formats/npt_config.ts'
import type { Stage } from './curriculum/options.ts'
import { curriculumSchema, stagesSchema } from './curriculum/options.ts'
import { classesSchema, evalSourceSchema, givenTemplateSchema, sourceSchema } from './data_options.ts'
import { PROVIDER_OPTIONS } from '../runtime/device.ts'
import { trainingOptionsSchema } from '../learning/options.ts'
import { learningShape, optionsOfTasks } from './learning_config.ts'

const plasticRunSchema = z
  .strictObject({ from: z.string().min(1).describe('The run whose plastic blocks training starts from.') })
  .describe('Those of another run.')

const {
  learning_rate,
  task,
  lora,
  pooling,
  classifier_dropout,
  overlong,
  gradient_checkpointing,
  precision,
} = learningShape

/** The keys of one run, without those of a curriculum. */
const singleRunSchema = trainingOptionsSchema.extend({
  learning_rate,
  task,
  model: z.string().min(1).describe('A Hugging Face model folder, or a config.json for random weights.'),
  output_dir: z.string().min(1).describe("The run's folder: a new one, or that of artifacts to replace."),
  lora,
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
  pooling,
  classifier_dropout,
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
  overlong,
  odd_rows: z
    .enum(['error', 'skip'])
    .default('error')
    .describe(
      'What to do with a row that does not fit its template, such as a conversation of other turns or a label that is missing, or that is damaged, as a line that is no JSON: stop, or leave it out and count it.',
    ),
  gradient_checkpointing,
  provider: z
    .enum(PROVIDER_OPTIONS)
    .default('cpu')
    .describe(
      'What ONNX Runtime computes on: the CPU; a GPU through WebGPU (Vulkan, Metal, Direct3D 12) or CUDA; `auto`: the first of cuda, webgpu and cpu that works.',
    ),
  precision,
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
