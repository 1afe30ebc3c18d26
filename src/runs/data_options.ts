/**
 * The keys of a training YAML file that say what is learned from: sources, templates, classes.
 * @module
 */
import { z } from 'zod'

import { SOURCE_FORMATS } from '../data/sources/rows_of.ts'
import { SPLITS } from '../data/sets/splits.ts'

const fraction = z.number().min(0).lt(1)

const text = (meaning: string) => z.string().describe(meaning)
const column = (meaning: string) => z.string().min(1).describe(meaning)

const requires = z
  .array(z.string().min(1))
  .readonly()
  .optional()
  .describe('Columns that must hold something; a row without gives no example.')
const completionSchema = z
  .strictObject({
    prompt: text('What comes before; no loss.'),
    completion: text('What is learned.'),
    requires,
  })
  .describe('A prompt and its completion.')
const textSchema = z
  .strictObject({ text: text('What is learned, all of it.'), requires })
  .describe('A plain text.')
const messages = {
  messages: column('The column with the list of messages, `messages` by default.').optional(),
}
const roles = {
  user: text('What a user says, over `content`.'),
  assistant: text('What the assistant says, over `content`.'),
  system: text('What the system says, over `content`.').optional(),
  ...messages,
}
const jinja = {
  chat_template: column(
    "A chat template of transformers, in Jinja2: `model` for the model's own, a file ending in `.jinja`, or the template itself.",
  ),
  chat_template_kwargs: z
    .record(z.string().regex(/^[A-Za-z_]\w*$/), z.any())
    .optional()
    .describe('What it is given beside messages and tools, such as `enable_thinking`.'),
  tools: column('The column with the tools that may be called, `tools` by default.').optional(),
  ...messages,
}
const replies = column(
  'A column with the messages that follow; in a row that has it, they alone carry loss.',
).optional()
const chatSchema = z
  .strictObject({ ...roles, replies })
  .describe('A text for each role of a conversation; loss on what the assistant says.')
const jinjaSchema = z
  .strictObject({ ...jinja, replies })
  .describe('A conversation as a chat template writes it; loss on what the assistant says.')
const desirable = text('Whether the answer is desirable: true or false, 1 or 0.')
const unpairedSchema = completionSchema
  .extend({ completion: text('The answer that is judged.'), label: desirable })
  .describe('A prompt, an answer, and whether it is desirable (kto).')
const chatUnpairedSchema = chatSchema
  .extend({ label: desirable })
  .describe('A conversation, and whether its last reply is desirable (kto).')
const jinjaUnpairedSchema = jinjaSchema
  .extend({ label: desirable })
  .describe('The same by a chat template, whose last reply is judged (kto).')
const promptSchema = z
  .strictObject({ prompt: text('What the policy is to answer.'), requires })
  .describe('A prompt alone (ppo).')
const margin = text('By how much the preferred answer is better, a number; without it 0.').optional()
const preferenceSchema = z
  .strictObject({
    prompt: text('What both answer; without one, it is what both begin with.').optional(),
    chosen: text('The preferred answer.'),
    rejected: text('The other one.'),
    margin,
    requires,
  })
  .describe('A prompt and two answers.')
const pairOfReplies = {
  chosen: column('The column with the messages of the preferred reply.'),
  rejected: column('The column with those of the other one.'),
  margin,
}
const chatPreferenceSchema = z
  .strictObject({ ...roles, ...pairOfReplies })
  .describe('A conversation and two replies to it.')
const jinjaPreferenceSchema = z
  .strictObject({ ...jinja, ...pairOfReplies })
  .describe('The same as a chat template writes it.')
const labelSchema = z
  .strictObject({ text: text('What is read.'), label: text('Its class.') })
  .describe('A text and its class (classification).')

/** nunjucks templates over the columns of a row; `src/data/templates/template_source.ts` says what each kind means. */
export const templateSchema = z.union(
  [
    completionSchema,
    textSchema,
    chatSchema,
    jinjaSchema,
    labelSchema,
    preferenceSchema,
    chatPreferenceSchema,
    jinjaPreferenceSchema,
    unpairedSchema,
    chatUnpairedSchema,
    jinjaUnpairedSchema,
    promptSchema,
    z
      .array(z.union([completionSchema, textSchema]))
      .min(1)
      .readonly()
      .describe('Several templates, of which each gives an example of its own.'),
  ],
  'it must have the texts prompt and completion, or text alone (each with requires, or several of them as a list), or user and assistant (a chat), or chat_template (a chat, too), or text and label (classification), or chosen and rejected (pairs, with a prompt unless both begin with it), or prompt, completion and label (desirable or not; a chat and label, too), or prompt alone (ppo)',
)

/** null, as on a command line, takes a file's template away: the columns tell it then. */
export const givenTemplateSchema = templateSchema
  .nullish()
  .transform((template) => template ?? undefined)
  .optional()

const splitSchema = z.union(
  [
    z.strictObject({
      column: z.string().describe('A column that names it: train, validation (valid, val, dev) or test.'),
    }),
    z.strictObject({ all: z.enum(SPLITS).describe('One split for all rows.') }),
    z
      .strictObject({
        validation: fraction.describe('Share of the rows to validate on.'),
        test: fraction.default(0).describe('Share of the rows to test on; the rest is for training.'),
        by: column(
          'A column whose equal values stay together, as a word or an author that has several rows.',
        ).optional(),
      })
      .describe(
        'Exact shares of the rows, and of each class, drawn by a hash of the seed and the row: equal rows are of the same split.',
      ),
  ],
  'it must have the key column, or all, or validation and test with fractions',
)

export const sourceSchema = z.strictObject({
  path: z.string().min(1).describe('The file.'),
  format: z
    .enum(SOURCE_FORMATS)
    .optional()
    .describe("The file's format; by default what its extension says."),
  delimiter: z
    .string()
    .optional()
    .describe(
      'CSV: the one character between fields; by default a comma, or the semicolon, tab or | that the heading has in its place.',
    ),
  columns: z
    .array(z.string())
    .optional()
    .describe('CSV and TSV: the names of the columns, where the file has no heading line.'),
  quoting: z
    .boolean()
    .optional()
    .describe(
      'CSV and TSV: whether double quotes enclose fields; by default true for CSV, and for TSV where the whole file reads so and a field needs it.',
    ),
  split: splitSchema.default({ validation: 0.1, test: 0 }).describe('Which split each row is of.'),
  template: givenTemplateSchema.describe('For this source alone.'),
})

/** A source of what is evaluated on alone. */
export const evalSourceSchema = sourceSchema.extend({
  split: splitSchema
    .default({ all: 'validation' })
    .describe('Which split each row is of; those of train are left out.'),
})

/** Names of classes; YAML reads some as numbers or truth values. */
export const classesSchema = z.array(z.union([z.string().min(1), z.number(), z.boolean()]).transform(String))
