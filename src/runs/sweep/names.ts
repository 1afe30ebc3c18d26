/**
 * How the values of a run are shown, and what its folder is called.
 * @module
 */
import { VARIANT } from '../variants.ts'
import type { PlannedRun } from './plan.ts'

/** The most characters of a folder's name. */
const LONGEST = 120

/** The value of a key such as `lora.r`; undefined where the configuration leaves it to a default. */
export const valueAt = (config: object, key: string): unknown =>
  key
    .split('.')
    .reduce<unknown>((outer, step) => (outer as Record<string, unknown> | null | undefined)?.[step], config)

/** A value for a person: `1e-4`, `full`, `[c_attn,c_proj]`. */
export function valueLabel(value: unknown): string {
  if (value === undefined || value === null) return 'default'
  if (typeof value === 'number') {
    const [plain, exponential] = [String(value), value.toExponential()]
    return exponential.length < plain.length ? exponential : plain
  }
  return typeof value === 'string' ? value : JSON.stringify(value).replaceAll('"', '')
}

/** What a run is told by: the values of the keys, of which one may be its variant; null where the configuration leaves one to a default. */
export const valuesOf = (
  { config, variant }: { readonly config: object; readonly variant?: string | undefined },
  keys: readonly string[],
): Readonly<Record<string, unknown>> =>
  Object.fromEntries(keys.map((key) => [key, (key === VARIANT ? variant : valueAt(config, key)) ?? null]))

/** `learning_rate=1e-4,r=4,seed=1-3f2a9c01b4d7`: the last names of the keys, and a digest that tells runs apart. */
export function folderName(run: PlannedRun, keys: readonly string[]): string {
  const named = Object.entries(valuesOf(run, keys))
  const values = named.map(([key, value]) => `${key.split('.').at(-1)}=${valueLabel(value)}`)
  const plain = values.join(',').replaceAll(/[^\w.,=+-]+/g, '_')
  return `${plain.slice(0, LONGEST)}-${run.digest}`
}
