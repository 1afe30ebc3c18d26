/**
 * Whether a run's manifest says of what is trained, and how, what its configuration does: neither is to be edited alone.
 * @module
 */
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'

import type { ModelConfig } from '../../graphs/models/family.ts'
import { UserError } from '../errors.ts'
import { adamwConfig } from '../learning/options.ts'
import { quote } from '../quote.ts'
import { taskNamed } from '../tasks/index.ts'
import type { SettledConfig } from './config.ts'
import { adaptationOf, taskOptions } from './learning_config.ts'
import { constantsOf } from './run_graphs.ts'
import type { RunManifest } from './run_manifest.ts'

/**
 * Passes over runs of before, whose defaults may have been others.
 *
 * @throws UserError naming the key of `ortune.json`
 */
export function checkManifest(
  folder: string,
  manifest: RunManifest,
  config: SettledConfig,
  model: ModelConfig,
): void {
  if (manifest.identity === undefined) return
  const { gradient_checkpointing, npt, plastic, precision, seed, task } = config
  const lora = adaptationOf(config, model)
  const expected = {
    ...{ task, seed, lora },
    options: taskNamed(task).graphOptions.parse(taskOptions(config)),
    // Those of another run are known by the manifest alone.
    ...(npt && 'from' in npt ? {} : { npt }),
    optimizer: { name: 'AdamW', ...adamwConfig(config), first_step: 1 },
    plastic,
    gradient_checkpointing: gradient_checkpointing === false ? undefined : gradient_checkpointing,
    precision: precision === 'fp32' ? undefined : precision,
    constants: constantsOf({ lora, precision }),
  }
  for (const [key, value] of Object.entries(expected)) {
    const other = difference(key, plain(manifest[key as keyof RunManifest]), plain(value))
    if (other)
      throw new UserError(
        `${join(folder, 'ortune.json')}: ${other.key} is ${quote(other.kept)}, and ${quote(other.told)} by training.json, which the run was made with; put the file back from a copy`,
      )
  }
}

/** Where two JSON values are not the same, as deep as both are objects. */
function difference(
  key: string,
  kept: unknown,
  told: unknown,
): { readonly key: string; readonly kept: unknown; readonly told: unknown } | undefined {
  if (isDeepStrictEqual(kept, told)) return undefined
  if (!isObject(kept) || !isObject(told)) return { key, kept, told }
  return Object.keys({ ...kept, ...told })
    .map((inner) => difference(`${key}.${inner}`, kept[inner], told[inner]))
    .find((found) => found !== undefined)
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** As JSON has it; null where there is nothing. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null))
