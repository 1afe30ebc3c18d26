/**
 * Words for JSON schemas: what a value may be, in a table's cell.
 * @module
 */
import { LARGEST_FLOAT32, SMALLEST_FLOAT32 } from './float32_option.ts'
import type { JsonSchema } from './json_schema.ts'

/** The mappings that a value may be, within alternatives and lists. */
export function mappingsOf(schema: JsonSchema): readonly JsonSchema[] {
  if (schema.properties) return [schema]
  return [...(schema.anyOf ?? []), ...(schema.items ? [schema.items] : [])].flatMap(mappingsOf)
}

/** All keys of a mapping and of those within it, but for what stands in lists: `lora`, `lora.r`, … */
export function keysWithin(schema: JsonSchema, within = ''): ReadonlyMap<string, JsonSchema> {
  const { properties = {}, anyOf = [] } = schema
  const own = Object.entries(properties).flatMap(([name, value]) => {
    const key = `${within}${name}`
    return [[key, value] as const, ...keysWithin(value, `${key}.`)]
  })
  return new Map([...own, ...anyOf.flatMap((one) => [...keysWithin(one, within)])])
}

/** `lora_alpha` of `lora.lora_alpha` */
export const lastName = (key: string): string => key.slice(key.lastIndexOf('.') + 1)

/** A value as YAML has it. */
export function valueText(value: unknown): string {
  if (typeof value === 'number' && value > 0 && value < 1e-3) return `\`${value.toExponential()}\``
  if (typeof value === 'string') return `\`${value}\``
  return `\`${JSON.stringify(value).replaceAll('"', '').replaceAll(/[:,]/g, '$& ')}\``
}

const NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'whole number',
  number: 'number',
  boolean: '`true`, `false`',
  null: '`null`',
  object: 'mapping',
}

/** What a value may be, with its bounds. */
export function typeText(schema: JsonSchema): string {
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeText))].join(', or ')
  if (schema.const !== undefined) return valueText(schema.const)
  if (schema.enum) return schema.enum.map(valueText).join(', ')
  if (schema.type === 'array')
    return `list of ${typeText(schema.items ?? {}).replaceAll(/\b(?:mapping|text|number)\b/g, '$&s')}`
  if (Array.isArray(schema.type))
    return schema.type.map((type) => typeText({ type: type as string })).join(', ')
  return [NAMES[schema.type as string]!, ...boundsText(schema)].join(', ')
}

function boundsText(schema: JsonSchema): string[] {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, maxLength } = schema
  const bound = (sign: string, value: number | undefined) =>
    value === undefined || Math.abs(value) === Number.MAX_SAFE_INTEGER ? [] : [`${sign} ${numberText(value)}`]
  return [
    ...(minimum === SMALLEST_FLOAT32 ? ['> 0'] : bound('≥', minimum)),
    ...bound('>', exclusiveMinimum),
    ...(maximum === LARGEST_FLOAT32 ? [] : bound('≤', maximum)),
    ...bound('<', exclusiveMaximum),
    ...(maxLength === undefined ? [] : [`of at most ${maxLength} characters`]),
  ]
}

const numberText = (value: number): string =>
  value >= 1e6 && value % 1e6 === 0 ? `1e${Math.log10(value)}` : value.toLocaleString('en')
