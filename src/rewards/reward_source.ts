/**
 * Where scores come from, as a configuration says it.
 * @module
 */
import { z } from 'zod'

/** The metrics of texts that a response can be scored by; `reward_metrics.ts` computes them. */
export const REWARD_METRICS = ['rouge1', 'rouge2', 'rougeL', 'bleu', 'meteor', 'exact_match'] as const

export type RewardMetric = (typeof REWARD_METRICS)[number]

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'it must be a SHA-256 of 64 hexadecimal digits')

/** A pattern as responses are searched for it: "." is any character, and characters are whole. */
export const rewardPattern = (pattern: string): RegExp => new RegExp(pattern, 'su')

function isPattern(pattern: string): boolean {
  try {
    return rewardPattern(pattern) instanceof RegExp
  } catch {
    return false
  }
}

export const rewardSourceSchema = z.union(
  [
    z.strictObject({
      model: z.string().min(1).describe('The folder of a reward model, a run or a checkpoint of one.'),
      files: z
        .record(z.string().min(1), sha256)
        .optional()
        .describe(
          'The SHA-256 of each of its files, by their paths from it, so that another model is refused; a run keeps those that it is made with.',
        ),
    }),
    z.strictObject({
      metric: z.enum(REWARD_METRICS).describe("Against the best of a prompt's references, 0 … 1."),
    }),
    z.strictObject({
      function: z
        .string()
        .min(1)
        .describe(
          'A TypeScript or JavaScript file whose default export takes samples and gives their scores, or a promise of them.',
        ),
      sha256: sha256
        .optional()
        .describe(
          "The file's SHA-256, so that another file is refused; a run keeps that which it is made with.",
        ),
    }),
    z.strictObject({
      pattern: z
        .string()
        .min(1)
        .refine(isPattern, 'it must be a regular expression of JavaScript')
        .describe(
          'A regular expression, with the flags s and u: 1 where it is found in the response, which stands without its end of text and white space around it; else 0.',
        ),
    }),
  ],
  {
    error: `it must say where scores come from, by one of {model: a reward model's folder}, {metric: one of ${REWARD_METRICS.join(', ')}}, {function: a file} and {pattern: a regular expression}`,
  },
)

export type RewardSource = z.infer<typeof rewardSourceSchema>

/** A function of the user's. */
export type RewardFile = Extract<RewardSource, { readonly function: string }>

/** The same source, its path made absolute. */
export function located(source: RewardSource, resolve: (path: string) => string): RewardSource {
  if ('function' in source) return { ...source, function: resolve(source.function) }
  return 'model' in source ? { ...source, model: resolve(source.model) } : source
}
