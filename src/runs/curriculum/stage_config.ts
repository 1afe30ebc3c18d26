/** @module */
import { resolve } from 'node:path'

import { UserError } from '../../errors.ts'
import { taskNamed } from '../../tasks/index.ts'
import type { RunConfig, StageOptions } from '../config.ts'
import { taskOptions } from '../config.ts'
import { curriculumOptions } from './options.ts'

/** Where a stage's run lies, and what it starts from. */
export interface StagePlace {
  readonly run: string
  /** The run before; null: what the configuration says. */
  readonly from: string | null
  /** What relative paths of the configuration are relative to; by default the working directory. */
  readonly directory?: string
}

/**
 * The configuration of a stage's run: the curriculum's, with what is another in the stage. Where a stage says how many epochs
 * it takes, they count and not the steps of the curriculum.
 *
 * @throws UserError where there is no such stage
 */
export function stageConfig(
  config: RunConfig,
  name: string,
  { run, from, directory }: StagePlace,
): RunConfig {
  const given = Object.entries(stageNamed(config, name))
  const own = Object.fromEntries(given.filter(([key, value]) => key !== 'name' && value !== undefined))
  const byEpochs = 'num_train_epochs' in own && !('max_steps' in own)
  const { advance, patience } = curriculumOptions(config.curriculum)
  const merged = {
    ...config,
    ...(byEpochs ? { max_steps: null } : {}),
    ...own,
    stages: null,
    curriculum: null,
    output_dir: run,
  }
  const early_stopping_patience = merged.early_stopping_patience ?? (advance === 'adaptive' ? patience : null)
  const placed = directory === undefined ? merged : placedAt({ ...merged }, directory)
  return { ...placed, early_stopping_patience, from: from ?? placed.from }
}

function stageNamed({ stages }: RunConfig, name: string): StageOptions {
  const stage = stages?.find((one) => one.name === name)
  if (!stage) throw new UserError(`there is no stage "${name}" in the configuration; put it back`)
  return stage
}

/** The configuration with its paths as they are seen from the working directory, where they were given in another one. */
function placedAt(config: RunConfig, directory: string): RunConfig {
  if (directory === process.cwd()) return config
  const at = (path: string) => resolve(directory, path)
  const { task, npt, from } = config
  const options = taskNamed(task).located?.(taskOptions(config), at)
  return {
    ...config,
    model: at(config.model),
    data: config.data.map((source) => ({ ...source, path: at(source.path) })),
    from: from === null ? null : at(from),
    npt: npt && 'from' in npt ? { from: at(npt.from) } : npt,
    ...(options ? { [task]: options } : {}),
  }
}
