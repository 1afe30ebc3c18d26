/**
 * Parquet's values in terms of JSON, none of them rounded: a decimal is the text of its digits, a number of fewer bits
 * than JavaScript's the shortest decimal that means it, a date and a time ISO 8601, a 64-bit integer a number where that
 * is exact and else text. What is missing is null, and so is NaN.
 * Types: https://github.com/apache/parquet-format/blob/master/LogicalTypes.md
 * @module
 */
import type { SchemaElement, SchemaTree } from 'hyparquet'

import { hexOf } from '../../formats/bytes.ts'
import { widen } from '../../formats/half.ts'
import { Binary } from '../row.ts'
import type { Value } from '../row.ts'
import { parseExactJson } from './exact_json.ts'

type Read = (value: unknown) => Value

/** Reads a column's values as hyparquet assembles them from what `plainElement` leaves of its types. */
export function columnReader(node: SchemaTree, feature?: unknown): Read {
  const inner = node.children.length === 0 ? leafReader(node.element, feature) : nestedReader(node, feature)
  const read: Read = (value) => {
    if (value === null || value === undefined) return null
    return Array.isArray(value) ? value.map(read) : inner(value)
  }
  return read
}

function nestedReader(node: SchemaTree, feature: unknown): Read {
  const [child] = node.children
  const [type, only] = [node.element.converted_type, node.children.length === 1]
  if (type === 'LIST' && only && child!.element.repetition_type === 'REPEATED')
    return columnReader(child!.children.length === 1 ? child!.children[0]! : child!, itemFeature(feature))
  if (type === 'MAP' && only && child!.children.length === 2) {
    const read = columnReader(child!.children[1]!)
    return (value) => mapValues(value as object, () => read)
  }
  const readers = new Map(
    node.children.map((field) => [
      field.element.name,
      columnReader(field, memberFeature(feature, field.element.name)),
    ]),
  )
  return (value) => mapValues(value as object, (name) => readers.get(name)!)
}

const mapValues = (value: object, reader: (name: string) => Read): Value =>
  Object.fromEntries(Object.entries(value).map(([name, item]) => [name, reader(name)(item)]))

/** The element without the types that are read here, so that hyparquet gives the stored values. */
export function plainElement(element: SchemaElement): SchemaElement {
  const isLeaf = element.type !== undefined
  if (!isLeaf || isText(element) || isUnsigned(element)) return element
  const plain = { ...element }
  delete plain.converted_type
  delete plain.logical_type
  return plain
}

const isText = ({ converted_type: converted, logical_type: logical }: SchemaElement): boolean =>
  converted === 'UTF8' || logical?.type === 'STRING' || logical?.type === 'UUID'

const isUnsigned = ({ converted_type: converted, logical_type: logical }: SchemaElement): boolean =>
  /^UINT_/.test(converted ?? '') || (logical?.type === 'INTEGER' && !logical.isSigned)

function leafReader(element: SchemaElement, feature: unknown): Read {
  const read = storedReader(element)
  const names = classNames(feature)
  if (!names) return read
  return (value) => names[Number(value)] ?? null
}

function storedReader(element: SchemaElement): Read {
  const { type, converted_type: converted, logical_type: logical } = element
  if (converted === 'DECIMAL' || logical?.type === 'DECIMAL') {
    const scale = element.scale ?? (logical?.type === 'DECIMAL' ? logical.scale : 0)
    return (value) => decimal(unscaled(value), scale)
  }
  if (converted === 'DATE' || logical?.type === 'DATE') return (value) => date(Number(value))
  if (type === 'INT96') return (value) => timestamp(value as bigint, false)
  const unit = unitOf(element)
  if (unit !== undefined && (logical?.type === 'TIMESTAMP' || converted?.startsWith('TIMESTAMP'))) {
    const utc = logical?.type === 'TIMESTAMP' && logical.isAdjustedToUTC
    return (value) => timestamp(BigInt(value as bigint | number) * unit, utc)
  }
  if (unit !== undefined) return (value) => clock(BigInt(value as bigint | number) * unit)
  if (logical?.type === 'FLOAT16')
    return (value) =>
      shortest(widen(new Uint16Array((value as Uint8Array).slice().buffer), 'F16')[0]!, FLOAT16)
  if (type === 'FLOAT') return (value) => shortest(value as number, FLOAT32)
  if (converted === 'JSON' || logical?.type === 'JSON')
    return (value) => parseExactJson(utf8.decode(value as Uint8Array)) as Value
  return plainValue
}

function plainValue(value: unknown): Value {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString()
  if (typeof value === 'number') return Number.isNaN(value) ? null : value
  return value instanceof Uint8Array ? textOrBinary(value) : (value as Value)
}

export const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Old writers do not mark texts, so that bytes which are UTF-8 are taken for one. */
function textOrBinary(bytes: Uint8Array): Value {
  try {
    return utf8.decode(bytes)
  } catch {
    return new Binary(bytes.length)
  }
}

/** An integer, or one in big-endian two's complement. */
function unscaled(value: unknown): bigint {
  if (!(value instanceof Uint8Array)) return BigInt(value as bigint | number)
  const bits = 8 * value.length
  return bits === 0 ? 0n : BigInt.asIntN(bits, BigInt(`0x${hexOf(value)}`))
}

/** n·10^−scale, all digits written out. */
function decimal(n: bigint, scale: number): string {
  if (scale <= 0) return (n * 10n ** BigInt(-scale)).toString()
  const digits = (n < 0n ? -n : n).toString().padStart(scale + 1, '0')
  return `${n < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

/** Nanoseconds of a time unit; undefined where the column holds no time. */
function unitOf({ converted_type: converted, logical_type: logical }: SchemaElement): bigint | undefined {
  const name =
    logical?.type === 'TIMESTAMP' || logical?.type === 'TIME'
      ? logical.unit
      : /^TIME(?:STAMP)?_(MILLIS|MICROS)$/.exec(converted ?? '')?.[1]
  return name === undefined ? undefined : { MILLIS: 1_000_000n, MICROS: 1000n, NANOS: 1n }[name]
}

const SECOND = 1_000_000_000n

/** The Gregorian calendar repeats itself after so many years and days. */
const [CYCLE_YEARS, CYCLE_DAYS] = [400n, 146_097n]
const DAY_SECONDS = 86_400n

/** ISO 8601 of seconds since 1970, of any year: JavaScript's dates end in 275760. Years beyond 9999 have a sign and six digits. */
function isoTime(seconds: bigint): string {
  const cycles = seconds / (CYCLE_DAYS * DAY_SECONDS)
  const date = new Date(Number(1000n * (seconds - cycles * CYCLE_DAYS * DAY_SECONDS)))
  const year = BigInt(date.getUTCFullYear()) + cycles * CYCLE_YEARS
  const digits = (year < 0n ? -year : year).toString()
  const isPlain = year >= 0n && year <= 9999n
  const written = isPlain ? digits.padStart(4, '0') : (year < 0n ? '-' : '+') + digits.padStart(6, '0')
  return date.toISOString().replace(/^[+-]?\d+(-.*)\.000Z$/, `${written}$1`)
}

const date = (days: number): string => isoTime(BigInt(days) * DAY_SECONDS).replace(/T.*/, '')

/** Of nanoseconds since 1970; with Z where they are those of UTC. */
function timestamp(nanoseconds: bigint, utc: boolean): string {
  const fraction = BigInt.asUintN(64, ((nanoseconds % SECOND) + SECOND) % SECOND)
  return isoTime((nanoseconds - fraction) / SECOND) + fractionText(fraction) + (utc ? 'Z' : '')
}

/** hh:mm:ss of nanoseconds since midnight. */
function clock(nanoseconds: bigint): string {
  return timestamp(nanoseconds, false).replace(/^.*T/, '')
}

/** A fraction of a second in three, six or nine digits, as many as it needs; none where it is 0. */
function fractionText(nanoseconds: bigint): string {
  const digits = nanoseconds
    .toString()
    .padStart(9, '0')
    .replace(/(?:000)+$/, '')
  return digits === '' ? '' : `.${digits}`
}

/** A format of fewer bits: what it makes of a number, how many decimal digits it keeps and how many tell all of its own. */
interface Narrow {
  readonly round: (value: number) => number
  readonly digits: readonly [kept: number, most: number]
  /** Smaller ones have fewer digits. */
  readonly smallest: number
}

const FLOAT32: Narrow = { round: Math.fround, digits: [6, 9], smallest: 2 ** -126 }
const FLOAT16: Narrow = { round: toHalf, digits: [3, 5], smallest: 2 ** -14 }

/** The number of fewest decimal digits that is rounded to this one, as numpy prints it. */
function shortest(value: number, { round, digits: [kept, most], smallest }: Narrow): Value {
  if (Number.isNaN(value)) return null
  if (!Number.isFinite(value)) return value
  for (let digits = Math.abs(value) < smallest ? 1 : kept; digits < most; digits++) {
    const candidate = Number(value.toPrecision(digits))
    if (round(candidate) === value) return evenOfTie(value, digits) ?? candidate
  }
  return Number(value.toPrecision(most))
}

/** Where the value lies half-way between two decimals of so many digits: the one whose last digit is even. */
function evenOfTie(value: number, digits: number): number | undefined {
  const [mantissa, exponent] = value.toExponential(60).split('e') as [string, string]
  const [sign, all] = [value < 0 ? '-' : '', mantissa.replace(/[-.]/g, '')]
  const isTie = /^[02468]50*$/.test(all.slice(digits - 1))
  return isTie ? Number(`${sign}${all.slice(0, digits)}e${Number(exponent) - digits + 1}`) : undefined
}

/** The nearest half-precision number, of two the even one: a multiple of 2^(e−10), with e at least −14. */
function toHalf(value: number): number {
  const step = 2 ** (Math.max(Math.floor(Math.log2(Math.abs(value))), -14) - 10)
  const [steps, down] = [value / step, Math.floor(value / step)]
  if (steps - down !== 0.5) return Math.round(steps) * step
  return (down % 2 === 0 ? down : down + 1) * step
}

/** The names of a ClassLabel, as the datasets library describes it. */
function classNames(feature: unknown): readonly string[] | undefined {
  const { _type, names } = (feature ?? {}) as { _type?: unknown; names?: unknown }
  if (_type !== 'ClassLabel' || !Array.isArray(names)) return undefined
  return names.every((name) => typeof name === 'string') ? names : undefined
}

/** What a feature says of the items of a list: [item], or {feature: item, _type: Sequence}. */
function itemFeature(feature: unknown): unknown {
  if (Array.isArray(feature)) return feature[0]
  return (feature as { feature?: unknown } | undefined)?.feature
}

/** What a feature says of a member: {member: …}; a Sequence of members is stored as members of lists. */
function memberFeature(feature: unknown, name: string): unknown {
  if (typeof feature !== 'object' || feature === null) return undefined
  const members = ('_type' in feature && 'feature' in feature ? feature.feature : feature) as object
  return typeof members === 'object' && members !== null && Object.hasOwn(members, name)
    ? (members as Record<string, unknown>)[name]
    : undefined
}
