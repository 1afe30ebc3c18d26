/**
 * Options of writing that a person leaves open: a model's folder has a say in them before ortune has.
 * @module
 */
import type { GenerationConfig, GenerationDefaults } from '../formats/generation_config.ts'
import type { SamplingOptions } from './sampling.ts'
import { greedy } from './sampling.ts'

/** What describes random draws; a folder that has some of it means all of it. */
const DRAWING = ['do_sample', 'temperature', 'top_k', 'top_p', 'min_p'] as const

/**
 * How to sample: as is given, else as the folder says, else `otherwise`, of which only what it says nothing about is taken.
 */
export function samplingWith(
  { defaults }: Pick<GenerationConfig, 'defaults'>,
  given: Partial<SamplingOptions> = {},
  otherwise: SamplingOptions = greedy,
): SamplingOptions {
  const lengths: readonly string[] = ['max_new_tokens', 'max_length'] satisfies (keyof GenerationDefaults)[]
  const own = Object.fromEntries(Object.entries(defaults).filter(([key]) => !lengths.includes(key)))
  const draws = DRAWING.some((key) => key in own)
  const base = draws ? { ...greedy, do_sample: otherwise.do_sample } : otherwise
  return { ...base, ...own, ...given }
}

/**
 * Tokens to write at most where nothing is given: as the folder says, else `otherwise`; fewer where the longest prompt leaves
 * less room, and at least one.
 *
 * @param longest of the prompts, in tokens
 */
export function newTokensWith(
  { defaults }: Pick<GenerationConfig, 'defaults'>,
  longest: number,
  context: number,
  otherwise: number,
): number {
  const { max_new_tokens, max_length } = defaults
  const wanted = max_new_tokens ?? (max_length === undefined ? otherwise : max_length - longest)
  return Math.max(1, Math.min(wanted, context - longest))
}
