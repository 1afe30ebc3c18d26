/**
 * A YAML file plus `key=value` overrides, checked against the keys of a run.
 * @module
 */
import { parse, YAMLParseError } from 'yaml'

import { UserError } from '../errors.ts'
import { readText } from '../formats/read_file.ts'
import type { RunConfig } from '../runs/config.ts'
import type { ConfigFault } from '../runs/read_config.ts'
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
  const file = parseYaml(await readText(path), path)
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

const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function parseYaml(text: string, where: string): unknown {
  try {
    return parse(text, { maxAliasCount: 100, logLevel: 'error' })
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error
    throw new UserError(`${where} is not valid YAML: ${error.message.split('\n')[0]}`)
  }
}

function readOverride(text: string): Override {
  const equals = text.indexOf('=')
  if (equals < 1)
    throw new UserError(`"${text}" is no override; write key=value, for example learning_rate=1e-4`)
  const given = text.slice(equals + 1)
  const value = /^\s*\{[{%]/.test(given) ? given : parseYaml(given, `${text} on the command line`)
  return { text, keys: text.slice(0, equals).split('.'), value }
}

function apply(config: Mapping, { keys, value }: Override): void {
  let target = config
  for (const [i, key] of keys.slice(0, -1).entries()) {
    const next = Object.hasOwn(target, key) ? target[key] : undefined
    const empty = keys[i + 1] === '0' ? [] : {}
    const inner = (typeof next === 'object' && next !== null ? next : empty) as Mapping
    target[key] = inner
    target = inner
  }
  target[keys.at(-1)!] = value
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
