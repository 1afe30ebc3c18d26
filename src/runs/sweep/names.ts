/**
 * How the values of a run are shown, and what its folder is called.
 * @module
 */
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

/** `learning_rate=1e-4,r=4,seed=1-3f2a9c01b4d7`: the last names of the keys, and a digest that tells runs apart. */
export function folderName({ config, digest }: PlannedRun, keys: readonly string[]): string {
  const values = keys.map((key) => `${key.split('.').at(-1)}=${valueLabel(valueAt(config, key))}`)
  const plain = values.join(',').replaceAll(/[^\w.,=+-]+/g, '_')
  return `${plain.slice(0, LONGEST)}-${digest}`
}
