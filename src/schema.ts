/**
 * Checking a JSON value against a zod schema, with one sentence for the user where it does not fit.
 * @module
 */
import type { z } from 'zod'

import { UserError } from './errors.ts'

/**
 * `value` as `schema` understands it. A message of the schema's own may say after a semicolon what to do; else it is to correct
 * it. Throws UserError naming the file and the first key that does not fit.
 */
export function checkJson<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  if (path.length === 0) throw new UserError(`${where}: ${uncapitalize(message)}; correct it`)
  const key = path.join('.')
  if (at(value, path) === undefined) throw new UserError(`${where} lacks the key ${key}; add it`)
  throw new UserError(
    `${where}: ${key}: ${uncapitalize(message)}${message.includes('; ') ? '' : '; correct it'}`,
  )
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown> | null)?.[key], value)
}

function uncapitalize(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
