/**
 * The keys of a curriculum: its stages, and how it goes from one to the next.
 * @module
 */
import { z } from 'zod'

/** What all stages have in common: the tensors that are trained, and the seed that draws the splits. */
const COMMON: readonly string[] = [
  ...['model', 'task', 'lora', 'npt', 'from', 'output_dir', 'classes', 'pooling', 'seed'],
]

const name = z
  .string()
  .max(60)
  // As a pattern of JSON Schema it would need the flag u, which not every editor gives.
  .refine((text) => /[\p{L}\p{N}]/u.test(text), 'it must have a letter or a digit')
  .describe('What it is called; its folder is called after it.')

/** A key that may be left out, and has no default then. */
function optional(schema: z.ZodType): z.ZodType {
  const own = schema instanceof z.ZodDefault ? (schema.unwrap() as z.ZodType) : schema
  return own.optional().describe(schema.description ?? '')
}

/** The keys of a stage: its name, and those of a run that may differ from stage to stage. */
export function stagesSchema<Keys extends object>(
  keys: Readonly<Record<string, z.ZodType>>,
): z.ZodType<readonly Stage<Keys>[]> {
  const own = Object.entries(keys).filter(([key]) => !COMMON.includes(key))
  return z
    .array(
      z.strictObject({
        name,
        ...Object.fromEntries(own.map(([key, schema]) => [key, optional(schema)])),
      }),
    )
    .min(1, 'there is no stage; describe one, or leave stages out')
    .superRefine((stages, context) => {
      for (const [i, stage] of stages.entries()) {
        const first = stages.findIndex((other) => other.name === stage.name)
        if (first === i) continue
        const message = `"${stage.name}" is the name of stage ${first + 1} already; give another`
        context.addIssue({ code: 'custom', path: [i, 'name'], message })
      }
    }) as unknown as z.ZodType<readonly Stage<Keys>[]>
}

export type Stage<Keys> = Partial<Keys> & { readonly name: string }

const ADVANCES = ['fixed', 'adaptive'] as const
const VALIDATIONS = ['stage', 'all'] as const
export const ORDERS = ['given', 'reversed', 'shuffled'] as const

const optionsSchema = z
  .strictObject({
    advance: z
      .enum(ADVANCES)
      .default('fixed')
      .describe(
        'Each stage to its end, one after another; or `adaptive`: on where validation stops improving, and back to a stage that was unlearned.',
      ),
    order: z
      .enum(ORDERS)
      .default('given')
      .describe('The order of the stages: as given, the other way round, or drawn from the seed.'),
    validation: z
      .enum(VALIDATIONS)
      .default('stage')
      .describe(
        'What each stage is evaluated on: what it learns from by its own `filter` and `max_length`, or in `all` stages the same rows, those of the options beside `stages`, so that their curves and checkpoints compare.',
      ),
    patience: z
      .int()
      .min(1)
      .max(1e9)
      .default(2)
      .describe(
        'Adaptive: a stage ends after so many evaluations in a row without a better metric, where it has no `early_stopping_patience`; at its last step in any case.',
      ),
    tolerance: z
      .number()
      .min(0)
      .max(1e6)
      .default(0.1)
      .describe(
        "Adaptive: by which part of its best value an earlier stage's metric may get worse before it is gone back to.",
      ),
    max_returns: z
      .int()
      .min(0)
      .max(1000)
      .default(2)
      .describe('Adaptive: how often it may go back altogether.'),
  })
  .describe('More than its kind.')

export type CurriculumOptions = z.infer<typeof optionsSchema>

export const curriculumSchema = z.union([z.enum(ADVANCES), optionsSchema])

/** With all defaults. */
export const curriculumOptions = (given: z.infer<typeof curriculumSchema> | null): CurriculumOptions =>
  typeof given === 'string' || given === null ? optionsSchema.parse({ advance: given ?? 'fixed' }) : given
