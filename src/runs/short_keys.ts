/**
 * Keys by their last names, as a command line may give them: `plasticity_lr=1e-6` for `plastic.plasticity_lr=1e-6`.
 * @module
 */
import { UserError } from '../errors.ts'
import type { JsonSchema } from '../json_schema.ts'
import { jsonSchema } from '../json_schema.ts'
import { keysWithin, lastName } from '../schema_words.ts'
import { TASK_NAMES } from '../tasks/index.ts'
import { runConfigSchema } from './config.ts'

/**
 * Overrides under the whole names of their keys. What is a key already, or has a dot, stays as it is, and so does what no key
 * is called; of tasks' options those of the configuration's task are meant.
 *
 * @param overrides as the command line has them, `key=value`; a sweep's `task=dpo,kto` is of both
 * @param file the options beside them
 * @param variants of which some may be of another task
 * @throws UserError for the last name of several keys
 */
export function withWholeKeys(
  overrides: readonly string[],
  file: object,
  variants: Iterable<object> = [],
): string[] {
  const isShort = (name: string) => !name.includes('.') && !Object.hasOwn(runConfigSchema.shape, name)
  if (!overrides.some((text) => isShort(nameOf(text)))) return [...overrides]
  const schema = jsonSchema(runConfigSchema)
  const given = overrides.findLast((text) => text.startsWith('task='))?.slice('task='.length)
  const keys = keysOfTasks(schema, given?.split(',') ?? tasksOf(file, variants, schema))
  return overrides.map((text) => {
    const name = nameOf(text)
    const meant = isShort(name) ? keys.filter((key) => lastName(key) === name) : []
    if (meant.length > 1)
      throw new UserError(
        `${text} on the command line may be of ${meant.join(' or ')}; write the one that is meant`,
      )
    return `${meant[0] ?? name}${text.slice(name.length)}`
  })
}

const nameOf = (text: string): string => text.split('=', 1)[0]!

/** The keys of a configuration, but for those of other tasks; the tasks' own come first. */
export function keysOfTasks(schema: JsonSchema, tasks: readonly unknown[]): readonly string[] {
  const keys = [...keysWithin(schema).keys()]
  const of = (names: readonly unknown[]) => keys.filter((key) => names.includes(/^(\w+)\./.exec(key)?.[1]))
  const others = of(TASK_NAMES)
  return [
    ...of(TASK_NAMES.filter((name) => tasks.includes(name))),
    ...keys.filter((key) => !others.includes(key)),
  ]
}

const tasksOf = (file: object, variants: Iterable<object>, schema: JsonSchema): readonly unknown[] => [
  taskOf(file, schema),
  ...[...variants].flatMap((keys) => ('task' in keys ? [keys.task] : [])),
]

/** The task of options that nobody has checked. */
export const taskOf = (options: object, schema: JsonSchema): unknown =>
  'task' in options ? options.task : schema.properties?.['task']?.default
