/**
 * Words for the JSON schemas that zod makes: what a value may be, in a table's cell.
 * @module
 */
import { z } from 'zod'

/** The part of JSON Schema that zod's schemas of configurations use. */
export interface JsonSchema {
  readonly type?: string | readonly string[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly JsonSchema[]
  readonly items?: JsonSchema
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly default?: unknown
  readonly description?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
  readonly maxLength?: number
}

/** What a file may hold: keys with defaults may be left out, and what is transformed counts as it is written. */
export const jsonSchema = (schema: z.ZodType): JsonSchema =>
  z.toJSONSchema(schema, {
    io: 'input',
    // zod leaves out defaults of what is transformed.
    override({ zodSchema: { _zod }, jsonSchema }) {
      if (_zod.def.type === 'default') jsonSchema.default ??= _zod.def.defaultValue as null
    },
  }) as JsonSchema

/** The mappings that a value may be, within alternatives and lists. */
export function mappingsOf(schema: JsonSchema): readonly JsonSchema[] {
  if (schema.properties) return [schema]
  return [...(schema.anyOf ?? []), ...(schema.items ? [schema.items] : [])].flatMap(mappingsOf)
}

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
    ...bound('≥', minimum),
    ...bound('>', exclusiveMinimum),
    ...bound('≤', maximum),
    ...bound('<', exclusiveMaximum),
    ...(maxLength === undefined ? [] : [`of at most ${maxLength} characters`]),
  ]
}

const numberText = (value: number): string =>
  value >= 1e6 && value % 1e6 === 0 ? `1e${Math.log10(value)}` : value.toLocaleString('en')
