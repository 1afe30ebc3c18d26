/**
 * A YAML file plus `key=value` overrides, checked against the keys of a run.
 * @module
 */
import { parse, YAMLParseError } from 'yaml'
import type { z } from 'zod'

import { UserError } from '../errors.ts'
import { readText } from '../formats/read_file.ts'
import type { RunConfig } from '../runs/config.ts'
import { runConfigSchema } from '../runs/config.ts'

/**
 * Reads a training configuration. An override such as `lora.r=16` replaces one key; its value is read as YAML,
 * but for one that begins with `{{` or `{%`, which is a template's text.
 *
 * @throws UserError naming the file and the key at fault
 */
export async function readConfigFile(path: string, overrides: readonly string[]): Promise<RunConfig> {
  const config = parseYaml(await readText(path), path)
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw new UserError(`${path} must be a YAML mapping of options such as "model: artifacts/pocket"`)
  }
  for (const override of overrides) applyOverride(config as Record<string, unknown>, override)
  const result = runConfigSchema.safeParse(config)
  if (!result.success) throw new UserError(`${path}: ${explain(result.error.issues[0]!)}`)
  return result.data
}

function parseYaml(text: string, where: string): unknown {
  try {
    return parse(text, { maxAliasCount: 100, logLevel: 'error' })
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error
    throw new UserError(`${where} is not valid YAML: ${error.message.split('\n')[0]}`)
  }
}

function applyOverride(config: Record<string, unknown>, override: string): void {
  const equals = override.indexOf('=')
  if (equals < 1)
    throw new UserError(`"${override}" is no override; write key=value, for example learning_rate=1e-4`)
  const keys = override.slice(0, equals).split('.')
  const given = override.slice(equals + 1)
  const value = /^\s*\{[{%]/.test(given) ? given : parseYaml(given, `the override ${override}`)
  let target = config
  for (const key of keys.slice(0, -1)) {
    const next = Object.hasOwn(target, key) ? target[key] : undefined
    const inner = typeof next === 'object' && next !== null ? (next as Record<string, unknown>) : {}
    target[key] = inner
    target = inner
  }
  target[keys.at(-1)!] = value
}

function explain(issue: z.core.$ZodIssue): string {
  const key = issue.path.join('.')
  if (issue.code === 'unrecognized_keys') {
    const [unknown] = issue.keys
    const known = key === '' ? Object.keys(runConfigSchema.shape) : []
    const near = nearest(unknown!, known)
    return `there is no option "${[key, unknown].filter(Boolean).join('.')}"${near ? `; did you mean "${near}"?` : '; remove it'}`
  }
  const message = issue.message.charAt(0).toLowerCase() + issue.message.slice(1)
  return key === '' ? message : `${key}: ${message}`
}

/** The known key within two edits, if there is one. */
function nearest(word: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map((key) => ({ key, distance: editDistance(word, key) }))
    .sort((a, b) => a.distance - b.distance)
  return best && best.distance <= Math.max(2, word.length / 4) ? best.key : undefined
}

/** Levenshtein (1966): insertions, deletions and substitutions, row by row. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
    }
    row = next
  }
  return row[b.length]!
}
