/**
 * The JSON schemas that zod makes of configurations.
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
