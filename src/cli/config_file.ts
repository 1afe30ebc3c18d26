/**
 * A YAML file plus `key=value` overrides, checked against the keys of a run.
 * @module
 */
import { join } from 'node:path'

import { UserError } from '../errors.ts'
import { readGivenText } from '../formats/read_file.ts'
import { parseYaml } from '../formats/yaml.ts'
import type { RunConfig, SettledConfig } from '../runs/config.ts'
import type { Changes } from '../runs/change.ts'
import { changed } from '../runs/change.ts'
import { countsInNoStage } from '../runs/curriculum/stage_config.ts'
import type { Mapping, Override } from '../runs/overrides.ts'
import { isMapping, readOverridden, readOverride, withOverrides } from '../runs/overrides.ts'
import { withWholeKeys } from '../runs/short_keys.ts'
import type { Variants } from '../runs/variants.ts'
import { readVariants, withVariant } from '../runs/variants.ts'
import { visible } from '../visible_text.ts'
import { project } from './project.ts'

/**
 * Reads a training configuration, some keys of which are given on the command line.
 *
 * @throws UserError naming the key at fault, and the file or the override that it stands in
 */
export async function readConfigFile(path: string, overrides: readonly string[]): Promise<RunConfig> {
  const { file, variants } = readVariants(path, withShippedData(path, await readMapping(path), overrides))
  const given = wholeKeys(overrides, file, variants).map(readOverride)
  checkApart(given)
  const config = readOverridden(path, file, withVariant(path, given, variants))
  const idle = given.find(({ keys }) => countsInNoStage(config, keys[0]!))
  if (idle === undefined) return config
  throw new UserError(
    `${idle.text} on the command line counts in no stage, as each has its own; give it to a stage: stages.0.${idle.text}`,
  )
}

/** A curriculum without data learns from what ortune is shipped with, as is said on standard error. */
export function withShippedData(path: string, file: Mapping, overrides: readonly string[]): Mapping {
  const { stages } = file
  const isGiven =
    'data' in file ||
    overrides.some((text) => /^data[.=]/.test(text)) ||
    (Array.isArray(stages) && stages.some((stage) => isMapping(stage) && 'data' in stage))
  if (stages === undefined || isGiven) return file
  const shipped = join(project, 'data', 'instructions.csv')
  process.stderr.write(
    `${path} has no data: the stages learn from ${shipped}, which ortune is shipped with (instruction, context, response); give data for your own\n`,
  )
  return { ...file, data: [{ path: shipped, split: { column: 'split' } }] }
}

/** Overrides under the whole names of their keys; what was meant by a last name is said on standard error. */
export function wholeKeys(
  overrides: readonly string[],
  file: Mapping,
  variants: Variants,
): readonly string[] {
  const whole = withWholeKeys(overrides, file, variants.values())
  for (const [i, text] of whole.entries())
    if (text !== overrides[i]) process.stderr.write(`${visible(overrides[i]!)} is ${visible(text)}\n`)
  return whole
}

/**
 * Of two overrides one may add to the other's mapping, but not to its value.
 *
 * @throws UserError naming both
 */
function checkApart(overrides: readonly Override[]): void {
  for (const inner of overrides)
    for (const outer of overrides)
      if (
        outer.keys.length < inner.keys.length &&
        outer.keys.every((key, i) => key === inner.keys[i]) &&
        outer.value !== null &&
        typeof outer.value !== 'object'
      )
        throw new UserError(
          `${outer.text} and ${inner.text} on the command line both say what ${outer.keys.join('.')} is; leave one out`,
        )
}

/** The options of a YAML file, unchecked. */
export async function readMapping(path: string): Promise<Mapping> {
  const file = parseYaml(await readGivenText(path), path)
  if (isMapping(file)) return file
  throw new UserError(`${path} must be a YAML mapping of options such as "model: artifacts/pocket"`)
}

/**
 * What overrides change of a run that goes on.
 *
 * @throws UserError naming the override at fault
 */
export function readChanges(overrides: readonly string[], config: SettledConfig): Changes {
  const given = overrides.map(readOverride)
  const merged = (some: readonly Override[]): Mapping => withOverrides({}, some)
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
