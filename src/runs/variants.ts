/**
 * Named changes of a configuration, for comparisons:
 *
 *     variants:
 *       adamw: {}
 *       plastic: { plastic.plasticity_lr: 1e-3, plastic.third_factor: reward }
 *
 * A variant has keys and values as a command line gives them; each replaces what stands beside `variants`.
 * @module
 */
import { UserError } from '../errors.ts'
import { listNames, quote } from '../quote.ts'
import type { Mapping, Override } from './overrides.ts'
import { isMapping } from './overrides.ts'

/** What one is chosen by: `variant=plastic`. */
export const VARIANT = 'variant'
const VARIANTS = 'variants'

/** The keys of each variant, by its name. */
export type Variants = ReadonlyMap<string, Mapping>

/** A file's options and its variants, apart. Throws UserError where a variant is none. */
export function readVariants(
  path: string,
  file: Mapping,
): { readonly file: Mapping; readonly variants: Variants } {
  const { [VARIANTS]: given = {}, ...rest } = file
  if (!isMapping(given) || (VARIANTS in file && Object.keys(given).length === 0))
    throw new UserError(`${path}: variants must be a mapping of names to the keys that are another in each`)
  for (const [name, keys] of Object.entries(given)) checkVariant(placeIn(path, name), name, keys)
  const variants = Object.entries(given).map(([name, keys]) => [name, (keys ?? {}) as Mapping] as const)
  return { file: rest, variants: new Map(variants) }
}

/** How errors call a variant of a file. */
const placeIn = (path: string, name: string): string => `${path}: variant ${quote(name)}`

function checkVariant(where: string, name: string, keys: unknown): void {
  if (!/^\p{L}[\p{L}\p{N}_.+ -]{0,59}$/u.test(name))
    throw new UserError(`${where} is no name; begin with a letter, and use letters, digits, blanks and _.+-`)
  if (keys !== null && !isMapping(keys))
    throw new UserError(
      `${where} must be a mapping of keys, such as { learning_rate: 1.0e-4 }, or {} for none`,
    )
  const own = ['output_dir', 'metric_for_best_model', VARIANT, VARIANTS].find((key) => key in (keys ?? {}))
  if (own !== undefined) throw new UserError(`${where}: ${own} is for all variants; give it beside them`)
}

/**
 * Overrides with the keys of the variant that they choose, the last one where several do. Those come first, so that what a command
 * line says counts in all of them.
 *
 * @param path of the file, as errors call it
 * @throws UserError where there is no such variant
 */
export function withVariant(
  path: string,
  overrides: readonly Override[],
  variants: Variants,
): readonly Override[] {
  const chosen = overrides.findLast(isChoice)
  return [
    ...(chosen ? keysOf(path, chosen, variants) : []),
    ...overrides.filter((override) => !isChoice(override)),
  ]
}

/** What chooses a variant of a file, as a command line does; its faults are the variant's. */
export const choiceOf = (path: string, name: string): Override => ({
  text: `${VARIANT}=${name}`,
  keys: [VARIANT],
  value: name,
  place: placeIn(path, name),
})

/** The name of the variant that is chosen, where one is. */
export const variantOf = (overrides: readonly Override[]): string | undefined => {
  const chosen = overrides.findLast(isChoice)
  return chosen && String(chosen.value)
}

const isChoice = ({ keys }: Override): boolean => keys.length === 1 && keys[0] === VARIANT

function keysOf(path: string, { text, value }: Override, variants: Variants): readonly Override[] {
  const name = String(value)
  const keys = variants.get(name)
  if (keys)
    return Object.entries(keys).map(([key, value]) => ({
      ...{ text, keys: key.split('.'), value },
      place: placeIn(path, name),
    }))
  const names = [...variants.keys()]
  throw new UserError(
    names.length === 0
      ? `${text} on the command line: the file has no variants; describe some, or leave it out`
      : `${text} on the command line: there is no such variant; choose from ${listNames(names, 12)}`,
  )
}
