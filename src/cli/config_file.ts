/**
 * A YAML file plus `key=value` overrides, checked against the keys of a run.
 * @module
 */
import { UserError } from '../errors.ts'
import { readGivenText } from '../formats/read_file.ts'
import { parseYaml } from '../formats/yaml.ts'
import type { RunConfig, SettledConfig } from '../runs/config.ts'
import type { ConfigFault } from '../runs/read_config.ts'
import type { Changes } from '../runs/change.ts'
import { changed } from '../runs/change.ts'
import { checkRunConfig } from '../runs/read_config.ts'

type Mapping = Record<string, unknown>

/** `lora.r=16` */
interface Override {
  readonly text: string
  readonly keys: readonly string[]
  readonly value: unknown
}

/**
 * Reads a training configuration. An override such as `lora.r=16` replaces one key; its value is read as YAML,
 * but for one that begins with `{{` or `{%`, which is a template's text.
 *
 * @throws UserError naming the key at fault, and the file or the override that it stands in
 */
export async function readConfigFile(path: string, overrides: readonly string[]): Promise<RunConfig> {
  const file = parseYaml(await readGivenText(path), path)
  if (!isMapping(file)) {
    throw new UserError(`${path} must be a YAML mapping of options such as "model: artifacts/pocket"`)
  }
  const given = overrides.map(readOverride)
  const config = structuredClone(file)
  for (const override of given) apply(config, override)
  const result = checkRunConfig(config)
  if ('config' in result) return result.config
  const [fault] = result.faults
  const blamed = overrideOf(fault, given, file)
  throw new UserError(`${blamed ? `${blamed.text} on the command line` : path}: ${fault.says}`)
}

/**
 * What overrides change of a run that goes on.
 *
 * @throws UserError naming the override at fault
 */
export function readChanges(overrides: readonly string[], config: SettledConfig): Changes {
  const given = overrides.map(readOverride)
  const merged = (some: readonly Override[]): Mapping => {
    const changes: Mapping = {}
    for (const override of some) apply(changes, override)
    return changes
  }
  const fault = faultOf(config, merged(given))
  if (fault === undefined) return merged(given)
  const blamed = given.find((override) => faultOf(config, merged([override])) !== undefined)
  throw new UserError(`${(blamed ?? given[0]!).text} on the command line: ${fault}`)
}

function faultOf(config: SettledConfig, changes: Mapping): string | undefined {
  try {
    changed(config, changes)
    return undefined
  } catch (error) {
    if (error instanceof UserError) return error.message
    throw error
  }
}

const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function readOverride(text: string): Override {
  const equals = text.indexOf('=')
  if (equals < 1)
    throw new UserError(`"${text}" is no override; write key=value, for example learning_rate=1e-4`)
  const given = text.slice(equals + 1)
  const key = text.slice(0, equals)
  // YAML reads nothing, or a comment alone, as null, which sets a key to what nobody has written.
  if (/^\s*(#|$)/.test(given))
    throw new UserError(
      `${text} on the command line gives no value; give ${key}=null for null, ${key}='""' for an empty text, or leave it out`,
    )
  const value = /^\s*\{[{%]/.test(given) ? given : parseYaml(given, `${text} on the command line`)
  return { text, keys: key.split('.'), value }
}

function apply(config: Mapping, { text, keys, value }: Override): void {
  let target = config
  for (const [i, key] of keys.slice(0, -1).entries()) {
    const next = Object.hasOwn(target, key) ? target[key] : undefined
    const empty = keys[i + 1] === '0' ? [] : {}
    const inner = (typeof next === 'object' && next !== null ? next : empty) as Mapping
    put(target, key, inner, text)
    target = inner
  }
  put(target, keys.at(-1)!, value, text)
}

/** Sets a key of a mapping, whatever it is called, or an entry of a list: one that there is, or the next one. */
function put(target: Mapping | unknown[], key: string, value: unknown, override: string): void {
  if (Array.isArray(target) && !(/^\d+$/.test(key) && Number(key) <= target.length))
    throw new UserError(
      `${override} on the command line: "${key}" is no entry of a list of ${target.length}; entries are numbered from 0`,
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
