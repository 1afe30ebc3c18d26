/**
 * What a command line says of one key of a sweep: the values it takes, or the range they are drawn from.
 *
 *     learning_rate=1e-4,3e-4      lora.target_modules=[c_attn],[c_attn,c_proj]      learning_rate=log:1e-5:1e-3
 * @module
 */
import { isDeepStrictEqual } from 'node:util'

import { UserError } from '../../errors.ts'
import type { JsonSchema } from '../../json_schema.ts'
import { jsonSchema } from '../../json_schema.ts'
import type { Random } from '../../random.ts'
import { runConfigSchema } from '../config.ts'
import type { Override } from '../overrides.ts'
import { keyAndText, readOverride } from '../overrides.ts'

export type Axis = ListedAxis | RangeAxis

/** Values one by one, each once. */
export interface ListedAxis {
  readonly key: string
  readonly values: readonly [Override, ...Override[]]
}

/** Numbers between two, both included. */
export interface RangeAxis {
  readonly key: string
  readonly text: string
  /** Uniform as they are (`lin`), or their logarithms (`log`). */
  readonly scale: 'lin' | 'log'
  readonly low: number
  readonly high: number
  /** Whether the key takes whole numbers alone. */
  readonly whole: boolean
}

export const isRange = (axis: Axis): axis is RangeAxis => 'scale' in axis

/** @throws UserError for what is neither a range nor values */
export function readAxis(text: string): Axis {
  const [key, given] = keyAndText(text)
  const range = /^(log|lin):(.*)$/.exec(given)
  if (range) return readRange(key, text, range[1] as RangeAxis['scale'], range[2]!)
  const items = splitAtCommas(given)
  if (items.length > 1 && items.some((item) => item.trim() === ''))
    throw new UserError(
      `${text} on the command line: a value is missing beside a comma; give it, or "" for none`,
    )
  const values: Override[] = []
  for (const item of items) {
    const override = readOverride(`${key}=${item}`)
    if (!values.some(({ value }) => isDeepStrictEqual(value, override.value))) values.push(override)
  }
  return { key, values: values as [Override, ...Override[]] }
}

function readRange(key: string, text: string, scale: RangeAxis['scale'], ends: string): RangeAxis {
  const numbers = ends.split(':').map((end) => (end.trim() === '' ? NaN : Number(end)))
  const [low, high] = numbers as [number, number]
  if (numbers.length !== 2 || !numbers.every(Number.isFinite) || low >= high)
    throw new UserError(
      `${text} on the command line: a range has a lower and a higher end, for example ${key}=${scale}:${scale === 'log' ? '1e-5:1e-3' : '0:0.1'}`,
    )
  if (scale === 'log' && low <= 0)
    throw new UserError(
      `${text} on the command line: a range of logarithms begins above 0; raise its lower end, or write lin:`,
    )
  const whole = isWhole(key)
  if (whole && !numbers.every(Number.isInteger))
    throw new UserError(`${text} on the command line: ${key} is a whole number, so the ends must be, too`)
  return { key, text, scale, low, high, whole }
}

/** Whether a key takes whole numbers, and no others. */
function isWhole(key: string): boolean {
  const within = key
    .split('.')
    .reduce<readonly JsonSchema[]>((found, step) => found.flatMap(inner(step)), [jsonSchema(runConfigSchema)])
  const types = within.flatMap(typesOf)
  return types.includes('integer') && !types.includes('number')
}

const inner =
  (step: string) =>
  ({ properties, items, anyOf = [] }: JsonSchema): readonly JsonSchema[] => {
    const own = properties?.[step] ?? (/^\d+$/.test(step) ? items : undefined)
    return [...(own ? [own] : []), ...anyOf.flatMap(inner(step))]
  }

const typesOf = ({ type = [], anyOf = [] }: JsonSchema): readonly string[] => [
  ...[type].flat(),
  ...anyOf.flatMap(typesOf),
]

/**
 * The parts of a text between commas, but for those within brackets or quotes. A quote opens where YAML lets one: where a
 * value may begin.
 */
export function splitAtCommas(text: string): string[] {
  const parts = ['']
  let depth = 0
  let quote: string | undefined
  let begins = true
  for (let i = 0; i < text.length; i++) {
    const letter = text[i]!
    if (quote === undefined && depth === 0 && letter === ',') {
      parts.push('')
      begins = true
      continue
    }
    parts[parts.length - 1] += letter
    if (quote !== undefined) {
      if (quote === '"' && letter === '\\') parts[parts.length - 1] += text[++i] ?? ''
      else if (letter === quote) quote = undefined
      continue
    }
    if (begins && (letter === '"' || letter === "'")) quote = letter
    if ('[{('.includes(letter)) depth++
    if (']})'.includes(letter)) depth = Math.max(0, depth - 1)
    begins = ',[{:'.includes(letter) || (begins && letter === ' ')
  }
  return parts
}

/** A value of the axis as an override. Numbers are drawn with three significant digits, which a table can show. */
export function drawFrom(axis: Axis, random: Random): Override {
  if (!isRange(axis)) return axis.values[random.integer(axis.values.length)]!
  return readOverride(`${axis.key}=${drawNumber(axis, random.uniform())}`)
}

/**
 * Of a share $u ∈ [0, 1)$ of the range: $a + u(b - a)$, or $a^{1-u} b^u$. Whole numbers stand for their surroundings
 * $[n - ½, n + ½)$, so that both ends are as likely as what is between them.
 */
function drawNumber({ scale, low, high, whole }: RangeAxis, u: number): number {
  const [a, b] = whole ? [low - 0.5, high + 0.5] : [low, high]
  const value = scale === 'lin' ? a + u * (b - a) : Math.exp((1 - u) * Math.log(a) + u * Math.log(b))
  const rounded = whole ? Math.round(value) : Number(value.toPrecision(3))
  return Math.min(high, Math.max(low, rounded))
}

/** Both ends of a range, to be checked as its values are. */
export const endsOf = ({ key, low, high }: RangeAxis): readonly Override[] =>
  [low, high].map((end) => readOverride(`${key}=${end}`))
