/**
 * Checks the configuration of a run, and says in a sentence what is wrong with one.
 * @module
 */
import type { z } from 'zod'

import { UserError } from '../errors.ts'
import { LARGEST_FLOAT32, SMALLEST_FLOAT32 } from '../float32_option.ts'
import type { JsonSchema } from '../json_schema.ts'
import { jsonSchema } from '../json_schema.ts'
import { nearest } from '../nearest.ts'
import { quote } from '../quote.ts'
import { lastName, mappingsOf, typeText } from '../schema_words.ts'
import type { RunConfig } from './config.ts'
import { runConfigSchema } from './config.ts'
import { keysOfTasks, taskOf } from './short_keys.ts'

/** What is wrong with a configuration. */
export interface ConfigFault {
  /** The keys that lead to it, from the outermost. */
  readonly path: readonly string[]
  /** What is wrong, and what to do instead. */
  readonly says: string
}

/**
 * A configuration with the defaults of the keys that it leaves out.
 *
 * @example
 * const data = [{ path: 'words.csv', split: { validation: 0.1 } }]
 * const config = readConfig({ model: 'artifacts/pocket', output_dir: 'runs/words', data })
 *
 * @param given the keys of a YAML file, as `docs/configuration.md` lists them
 * @throws UserError naming the key at fault
 */
export function readConfig(given: unknown): RunConfig {
  const result = checkRunConfig(given)
  if ('config' in result) return result.config
  throw new UserError(`the configuration: ${result.faults[0].says}`)
}

/** The same, or all that is wrong with it. */
export function checkRunConfig(
  given: unknown,
): { readonly config: RunConfig } | { readonly faults: readonly [ConfigFault, ...ConfigFault[]] } {
  const result = runConfigSchema.safeParse(given)
  if (result.success) return { config: result.data }
  const schema = jsonSchema(runConfigSchema)
  const [first, ...others] = result.error.issues.map((issue) => fault(issue, given, schema))
  return { faults: [first!, ...others] }
}

function fault(issue: z.core.$ZodIssue, given: unknown, schema: JsonSchema): ConfigFault {
  const path = issue.path.map(String)
  const key = path.join('.')
  const within = path.reduce<readonly JsonSchema[]>((found, step) => found.flatMap(inner(step)), [schema])
  if (issue.code === 'unrecognized_keys') {
    const [unknown] = issue.keys
    if (path[0] === 'stages' && path.length === 2 && Object.hasOwn(schema.properties ?? {}, unknown!))
      return {
        path: [...path, unknown!],
        says: `${key}.${unknown}: ${unknown} is the same in all stages; give it beside stages, or leave it out`,
      }
    const beside = within.flatMap(mappingsOf).flatMap(keysOf)
    const meant = path.length === 0 ? keysMeant(unknown!, beside, given, schema) : near(unknown!, beside)
    const quoted = meant.map((name) => `"${[...path, name].join('.')}"`)
    const remedy = meant.length === 0 ? 'remove it' : `did you mean ${quoted.join(' or ')}?`
    const whole = [...path, unknown!]
    return { path: whole, says: `there is no option "${whole.join('.')}"; ${remedy}` }
  }
  const branch = issue.code === 'invalid_union' && issue.message === 'Invalid input' && closest(issue)
  if (branch) return fault({ ...branch, path: [...issue.path, ...branch.path] }, given, schema)
  const value = path.reduce<unknown>(
    (outer, step) => (outer as Record<string, unknown> | null)?.[step],
    given,
  )
  if (value === undefined && key !== '') {
    const meaning = within.find(({ description }) => description)?.description
    return {
      path,
      says: `there is no "${key}"; give ${meaning ? uncapitalized(meaning.replace(/\.$/, '')) : 'it'}`,
    }
  }
  const own = !/^(Invalid|Too) /.test(issue.message)
  if (own || within.length === 0)
    return { path, says: [key, uncapitalized(issue.message)].filter(Boolean).join(': ') }
  // Of short words the one that is spelt most alike may mean the contrary, as cpu of gpu; all are in the sentence anyway.
  const telling = issue.code === 'invalid_value' && String(value).length >= TELLING
  const meant = telling && nearest(String(value), issue.values.map(String))
  const more = meant ? `; did you mean "${meant}"?` : ''
  if (value === '') return { path, says: `${key} is empty; give ${kindOf(within)}` }
  const says = `${key || 'it'} must be ${kindOf(within)}, and is ${asWritten(value)}${inFloat32(issue, value)}${more}`
  return { path, says }
}

/** What becomes of a number that float32 does not have. */
function inFloat32(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code === 'too_small' && issue.minimum === SMALLEST_FLOAT32 && (value as number) > 0)
    return ', which float32 takes for 0'
  return issue.code === 'too_big' && issue.maximum === LARGEST_FLOAT32 ? ', which is infinite as float32' : ''
}

const near = (word: string, known: readonly string[]): readonly string[] =>
  [nearest(word, known) ?? []].flat()

/** Words of so many letters are near another one because they mean it. */
const TELLING = 5

/** From so many letters on, a few edits make no other word. */
const LONG = 8

/** The keys that one at the outermost level may stand for: those of that last name, else one that looks like it. */
function keysMeant(
  word: string,
  beside: readonly string[],
  given: unknown,
  schema: JsonSchema,
): readonly string[] {
  const inner = keysOfTasks(schema, [taskOf(given as object, schema)]).filter((key) => key.includes('.'))
  const called = (name: string) => inner.filter((key) => lastName(key) === name)
  return (
    [
      called(word),
      near(word, beside),
      word.length < LONG ? [] : near(word, inner.map(lastName)).flatMap(called),
    ].find((keys) => keys.length > 0) ?? []
  )
}

/** A value as a person may have written it in YAML. */
function asWritten(value: unknown): string {
  if (typeof value !== 'number' || Number.isFinite(value)) return quote(value)
  return Number.isNaN(value) ? '.nan' : `${value < 0 ? '-' : ''}.inf, or a number too large for one`
}

/** What a key of a mapping, or an entry of a list, may be. */
const inner =
  (step: string) =>
  ({ properties, items, anyOf = [] }: JsonSchema): readonly JsonSchema[] => {
    const own = properties?.[step] ?? (/^\d+$/.test(step) ? items : undefined)
    return [...(own ? [own] : []), ...anyOf.flatMap(inner(step))]
  }

const keysOf = ({ properties = {} }: JsonSchema): string[] => Object.keys(properties)

/** Of a union's alternatives, what is wrong with the one that is of the value's type. */
function closest({ errors }: z.core.$ZodIssueInvalidUnion): z.core.$ZodIssue | undefined {
  const ofType = errors.filter((issues) =>
    issues.every(({ path, code }) => path.length > 0 || code === 'unrecognized_keys'),
  )
  return ofType.sort((one, other) => one.length - other.length)[0]?.[0]
}

function kindOf(schemas: readonly JsonSchema[]): string {
  const kinds = [...new Set(schemas.map(typeText))].join(', or ')
  return kinds.replaceAll(/(^|\bor )(?=whole|number|text|list|mapping)/g, '$&a ').replaceAll('`', '')
}

const uncapitalized = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)
