/**
 * The keys of a training YAML file that say what is learned from: sources, templates, classes.
 * @module
 */
import { z } from 'zod'

import { SOURCE_FORMATS } from '../data/sources/read_rows.ts'
import { SPLITS } from '../data/sets/splits.ts'

const fraction = z.number().min(0).lt(1)

const requires = z.array(z.string().min(1)).readonly().optional()
const completionSchema = z.strictObject({ prompt: z.string(), completion: z.string(), requires })
const textSchema = z.strictObject({ text: z.string(), requires })
const chatSchema = z.strictObject({
  user: z.string(),
  assistant: z.string(),
  system: z.string().optional(),
  messages: z.string().min(1).optional(),
  replies: z.string().min(1).optional(),
})
const label = z.string()
const unpairedSchema = completionSchema.extend({ label })
const chatUnpairedSchema = chatSchema.extend({ label })
const promptSchema = z.strictObject({ prompt: z.string(), requires })
const margin = z.string().optional()
const preferenceSchema = z.strictObject({
  prompt: z.string().optional(),
  chosen: z.string(),
  rejected: z.string(),
  margin,
  requires,
})
const chatPreferenceSchema = chatSchema
  .omit({ replies: true })
  .extend({ chosen: z.string().min(1), rejected: z.string().min(1), margin })
const labelSchema = z.strictObject({ text: z.string(), label })

/** nunjucks templates over the columns of a row; `src/data/templates/template_source.ts` says what each kind means. */
export const templateSchema = z.union(
  [
    completionSchema,
    textSchema,
    chatSchema,
    labelSchema,
    preferenceSchema,
    chatPreferenceSchema,
    unpairedSchema,
    chatUnpairedSchema,
    promptSchema,
    z
      .array(z.union([completionSchema, textSchema]))
      .min(1)
      .readonly(),
  ],
  'it must have the texts prompt and completion, or text alone (each with requires, or several of them as a list), or user and assistant (a chat), or text and label (classification), or chosen and rejected (pairs, with a prompt unless both begin with it), or prompt, completion and label (desirable or not; a chat and label, too), or prompt alone (ppo)',
)

/** null, as on a command line, takes a file's template away: the columns tell it then. */
export const givenTemplateSchema = templateSchema
  .nullish()
  .transform((template) => template ?? undefined)
  .optional()

export const sourceSchema = z.strictObject({
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
  /** For this source alone. */
  template: givenTemplateSchema,
})

/** Names of classes; YAML reads some as numbers or truth values. */
export const classesSchema = z.array(z.union([z.string().min(1), z.number(), z.boolean()]).transform(String))
