/**
 * What a command that writes says about its model's generation_config.json.
 * @module
 */
import type { GenerationConfig, GenerationDefaults } from '../formats/generation_config.ts'
import type { SamplingOptions } from '../generation/sampling.ts'
import { quote } from '../quote.ts'

/** Options that count for random draws alone. */
const DRAWN: readonly string[] = ['temperature', 'top_k', 'top_p', 'min_p']

/** The options that were taken from the file: those that nobody gave, and that count. */
export function takenDefaults(
  { defaults }: GenerationConfig,
  given: Partial<SamplingOptions> & { readonly max_new_tokens?: number | undefined },
  { do_sample }: SamplingOptions,
): GenerationDefaults {
  const lengthGiven = given.max_new_tokens !== undefined
  return Object.fromEntries(
    Object.entries(defaults).filter(
      ([key]) =>
        (given as Record<string, unknown>)[key] === undefined &&
        !(key === 'max_length' && (lengthGiven || defaults.max_new_tokens !== undefined)) &&
        (do_sample || !DRAWN.includes(key)),
    ),
  )
}

/** One sentence about what was taken from the file, one about what was not. */
export function generationNotes(taken: GenerationDefaults, { unfollowed }: GenerationConfig): string[] {
  const list = (values: object) =>
    Object.entries(values)
      .map(([key, value]) => `${key} ${typeof value === 'object' ? quote(value) : value}`)
      .join(', ')
  return [
    ...(Object.keys(taken).length > 0 ? [`of the model's generation_config.json: ${list(taken)}`] : []),
    ...(Object.keys(unfollowed).length > 0
      ? [`the model's generation_config.json asks for ${list(unfollowed)}, which is not followed`]
      : []),
  ]
}
