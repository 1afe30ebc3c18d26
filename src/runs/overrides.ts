/**
 * Options as a command line gives them, `lora.r=16`, over those of a YAML file.
 * @module
 */
import { UserError } from '../errors.ts'
import { parseYaml } from '../formats/yaml.ts'
import type { RunConfig } from './config.ts'
import type { ConfigFault } from './read_config.ts'
import { checkRunConfig } from './read_config.ts'

export type Mapping = Record<string, unknown>

/** `lora.r=16` */
export interface Override {
  readonly text: string
  readonly keys: readonly string[]
  readonly value: unknown
  /** Where it stands, as errors say it; absent: on the command line. */
  readonly place?: string
}

/** How errors call an override. */
export const placeOf = ({ text, place = `${text} on the command line` }: Override): string => place

/** Reads an override; its value is YAML, but for one that begins with `{{` or `{%`, which is a template's text. */
export function readOverride(text: string): Override {
  const [key, given] = keyAndText(text)
  // YAML reads nothing, or a comment alone, as null, which sets a key to what nobody has written.
  if (/^\s*(#|$)/.test(given))
    throw new UserError(
      `${text} on the command line gives no value; give ${key}=null for null, ${key}='""' for an empty text, or leave it out`,
    )
  const value = /^\s*\{[{%]/.test(given) ? given : parseYaml(given, `${text} on the command line`)
  return { text, keys: key.split('.'), value }
}

/** What stands before and after the first `=`. */
export function keyAndText(text: string): readonly [key: string, value: string] {
  const equals = text.indexOf('=')
  if (equals < 1)
    throw new UserError(`"${text}" is no override; write key=value, for example learning_rate=1e-4`)
  return [text.slice(0, equals), text.slice(equals + 1)]
}

/** A copy of the options with each override's key replaced. */
export function withOverrides(options: Mapping, overrides: readonly Override[]): Mapping {
  const result = structuredClone(options)
  for (const override of overrides) apply(result, override)
  return result
}

/**
 * The configuration of a file and overrides.
 *
 * @param path of the file, as errors call it
 * @throws UserError naming the key at fault, and the file or the override that it stands in
 */
export function readOverridden(path: string, file: Mapping, overrides: readonly Override[]): RunConfig {
  const result = checkRunConfig(withOverrides(file, overrides))
  if ('config' in result) return result.config
  const [fault] = result.faults
  const blamed = overrideOf(fault, overrides, file)
  throw new UserError(`${blamed ? placeOf(blamed) : path}: ${fault.says}`)
}

export const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function apply(config: Mapping, override: Override): void {
  const { keys, value } = override
  let target = config
  for (const [i, key] of keys.slice(0, -1).entries()) {
    const next = Object.hasOwn(target, key) ? target[key] : undefined
    const empty = keys[i + 1] === '0' ? [] : {}
    const inner = (typeof next === 'object' && next !== null ? next : empty) as Mapping
    put(target, key, inner, override)
    target = inner
  }
  put(target, keys.at(-1)!, value, override)
}

/** Sets a key of a mapping, whatever it is called, or an entry of a list: one that there is, or the next one. */
function put(target: Mapping | unknown[], key: string, value: unknown, override: Override): void {
  if (Array.isArray(target) && !(/^\d+$/.test(key) && Number(key) <= target.length))
    throw new UserError(
      `${placeOf(override)}: "${key}" is no entry of a list of ${target.length}; entries are numbered from 0`,
    )
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
}

/** The override that a fault is of: one that gives the key, or something within it that was sound without. */
function overrideOf(
  { path }: ConfigFault,
  overrides: readonly Override[],
  file: Mapping,
): Override | undefined {
  const beginsWith = (whole: readonly string[], part: readonly string[]) =>
    part.every((key, i) => key === whole[i])
  const giving = overrides.findLast(({ keys }) => beginsWith(path, keys))
  if (giving) return giving
  const alone = checkRunConfig(file)
  const before = 'faults' in alone && alone.faults.some((fault) => beginsWith(fault.path, path))
  return before ? undefined : overrides.findLast(({ keys }) => beginsWith(keys, path))
}
