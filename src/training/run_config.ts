/**
 * What a run is made from: the keys of a training YAML file.
 * @module
 */
import { z } from 'zod'

import { SOURCE_FORMATS } from '../data/read_rows.ts'
import { SPLITS } from '../data/splits.ts'
import { loraConfigSchema } from '../formats/manifest.ts'
import { trainingOptionsSchema } from './options.ts'

const fraction = z.number().min(0).lt(1)

const sourceSchema = z.strictObject({
  path: z.string().min(1),
  format: z.enum(SOURCE_FORMATS).optional(),
  delimiter: z.string().optional(),
  columns: z.array(z.string()).optional(),
  quoting: z.boolean().optional(),
  /** A column that names each row's split; one split for all rows; or fractions, drawn by a seeded hash. */
  split: z
    .union(
      [
        z.strictObject({ column: z.string() }),
        z.strictObject({ all: z.enum(SPLITS) }),
        z.strictObject({ validation: fraction, test: fraction.default(0) }),
      ],
      'it must have the key column, or all, or validation and test with fractions',
    )
    .default({ validation: 0.1, test: 0 }),
})

const templateSchema = z.union(
  [z.strictObject({ prompt: z.string(), completion: z.string() }), z.strictObject({ text: z.string() })],
  'it must have the texts prompt and completion, or text alone',
)

export const runConfigSchema = trainingOptionsSchema.extend({
  task: z.literal('sft').default('sft'),
  /** A Hugging Face model folder, or a config.json for random weights. */
  model: z.string().min(1),
  output_dir: z.string().min(1),
  /** Options of the adapters; `full` trains every parameter. */
  lora: z.union([z.literal('full'), loraConfigSchema]).default(loraConfigSchema.parse({})),
  data: z.array(sourceSchema).min(1),
  /** nunjucks templates over the columns: loss on the completion, or on all of a plain text. */
  template: templateSchema,
  /** Longest example in tokens; null: the model's context. */
  max_length: z.int().min(2).nullable().default(null),
  /** What to do with a prompt that fills max_length. */
  overlong: z.enum(['error', 'skip']).default('error'),
  provider: z.enum(['cpu', 'cuda']).default('cpu'),
  /** Threads of ONNX Runtime; null: one per physical core. */
  threads: z.int().min(1).max(1024).nullable().default(null),
  /** False keeps one copy of the frozen weights in memory in place of up to three, for about a sixth of the speed. */
  prepacking: z.boolean().default(true),
})

export type RunConfig = z.infer<typeof runConfigSchema>
