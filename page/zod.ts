/**
 * zod as the schemas here are written, by methods, on zod's own small edition, which has functions instead. The build takes it in place
 * of zod (`page/lighter.ts`), half of which is methods that no schema calls.
 * @module
 */
import * as z from 'zod/mini'
import { en } from 'zod/locales'

z.config(en())

type Schema = z.ZodMiniType & { check(...checks: unknown[]): Schema }
type Message = string | undefined

const isNumber = (schema: Schema): boolean => schema.def.type === 'number'

const methods = {
  optional(this: Schema) {
    return z.optional(this)
  },
  nullable(this: Schema) {
    return z.nullable(this)
  },
  nullish(this: Schema) {
    return z.nullish(this)
  },
  default(this: Schema, value: unknown) {
    return z._default(this, value)
  },
  catch(this: Schema, value: unknown) {
    return z.catch(this, value)
  },
  transform(this: Schema, change: (value: unknown) => unknown) {
    return z.pipe(this, z.transform(change))
  },
  refine(this: Schema, holds: (value: unknown) => unknown, otherwise?: string | object) {
    return this.check(z.refine(holds, otherwise))
  },
  superRefine(this: Schema, look: Parameters<typeof z.superRefine>[0]) {
    return this.check(z.superRefine(look))
  },
  /** Of the command line. */
  describe(this: Schema) {
    return this
  },
  unwrap(this: Schema & { readonly def: { readonly innerType: unknown } }) {
    return this.def.innerType
  },
  extend(this: Schema, shape: object) {
    return z.extend(this as never, shape as never)
  },
  min(this: Schema, least: number, otherwise?: Message) {
    return this.check(isNumber(this) ? z.gte(least, otherwise) : z.minLength(least, otherwise))
  },
  max(this: Schema, most: number, otherwise?: Message) {
    return this.check(isNumber(this) ? z.lte(most, otherwise) : z.maxLength(most, otherwise))
  },
  lt(this: Schema, bound: number, otherwise?: Message) {
    return this.check(z.lt(bound, otherwise))
  },
  positive(this: Schema, otherwise?: Message) {
    return this.check(z.gt(0, otherwise))
  },
  regex(this: Schema, pattern: RegExp, otherwise?: Message) {
    return this.check(z.regex(pattern, otherwise))
  },
}

// zod gives each schema what this prototype has.
Object.assign(z.ZodMiniType.prototype, methods)

export * as z from 'zod/mini'
