/**
 * Keys of a run on the command line: which ones a command takes as `key=value`, with the values of those that have few.
 * @module
 */
import type { Command } from 'commander'

import type { JsonSchema } from '../json_schema.ts'
import { nearest } from '../nearest.ts'
import { CHANGEABLE } from '../runs/changeable.ts'
import { keysWithin, lastName } from '../schema_words.ts'
import { readSchema } from './project.ts'

export type RunKeys = ReadonlyMap<string, readonly string[]>

/** Those that a command takes: all beside a YAML file, what may change of a run that goes on, and of other commands none. */
export function runKeys(command: Command): RunKeys {
  const takes = (name: string) => command.registeredArguments.some((argument) => argument.name() === name)
  if (takes('config')) return keysOf(readSchema())
  if (!takes('changes')) return new Map()
  const all = keysOf(readSchema())
  return new Map(CHANGEABLE.map((key) => [key, all.get(key)!]))
}

const keysOf = (schema: JsonSchema): RunKeys =>
  new Map([...keysWithin(schema)].map(([key, value]) => [key, valuesOf(value)]))

const valuesOf = ({ enum: values, const: only, type, anyOf = [] }: JsonSchema): readonly string[] => [
  ...(values ?? (only === undefined ? [] : [only])).map(String),
  ...(type === 'boolean' ? ['true', 'false'] : []),
  ...anyOf.flatMap(valuesOf),
]

/**
 * `learning_rate=1e-4`, where a command line has `--learning_rate 1e-4`; undefined where the option is no key of the command.
 *
 * @param option as it was given, `--learning-rate=1e-4` too
 * @param args of the whole command line, in which its value may follow
 */
export function keyMeant(option: string, args: readonly string[], keys: RunKeys): string | undefined {
  const [, name, , inside] = /^--?([^=]+)(=(.*))?$/s.exec(option) ?? []
  const word = (name ?? '').replaceAll('-', '_')
  const key = [...keys.keys()].some((one) => one === word || lastName(one) === word)
    ? word
    : nearest(word, [...keys.keys()])
  if (key === undefined) return undefined
  const next = args[args.indexOf(option) + 1]
  const follows = next !== undefined && !/^--?[a-z]|\.ya?ml$|=/i.test(next) ? next : undefined
  const value = inside ?? follows ?? (keys.get(key)?.includes('true') ? 'true' : '…')
  return /[\s"'{}[\]$]/.test(value)
    ? `'${key}=${value.replaceAll("'", String.raw`'\''`)}'`
    : `${key}=${value}`
}
