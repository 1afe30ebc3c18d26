/** @module */
import { resolve } from 'node:path'

import { UserError } from '../../errors.ts'
import { quote } from '../../quote.ts'
import { taskNamed } from '../../tasks/index.ts'
import type { RunConfig, StageOptions } from '../config.ts'
import { taskOptions } from '../learning_config.ts'
import { AS_LEARNED, evaluatedOn } from '../evaluated_on.ts'
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
 * @throws UserError where there is no such stage, or it says what it is evaluated on and all are evaluated alike
 */
export function stageConfig(
  config: RunConfig,
  name: string,
  { run, from, directory }: StagePlace,
): RunConfig {
  const stage = stageNamed(config, name)
  const own = ownOptions(stage)
  const byEpochs = epochsCount(own)
  const { advance, patience, validation } = curriculumOptions(config.curriculum)
  const merged = {
    ...config,
    ...(byEpochs ? { max_steps: null } : {}),
    ...own,
    ...(validation === 'all' ? evaluatedBeside(config, stage) : {}),
    stages: null,
    curriculum: null,
    output_dir: run,
  }
  const early_stopping_patience = merged.early_stopping_patience ?? (advance === 'adaptive' ? patience : null)
  const placed = directory === undefined ? merged : placedAt({ ...merged }, directory)
  return { ...placed, early_stopping_patience, from: from ?? placed.from }
}

const ownOptions = (stage: StageOptions): Record<string, unknown> =>
  Object.fromEntries(Object.entries(stage).filter(([key, value]) => key !== 'name' && value !== undefined))

const epochsCount = (own: object): boolean => 'num_train_epochs' in own && !('max_steps' in own)

/** Whether what a key has beside `stages` counts for nothing, as each stage has its own. */
export function countsInNoStage({ stages, curriculum }: RunConfig, key: string): boolean {
  const judges = curriculumOptions(curriculum).validation === 'all' && JUDGED.includes(key)
  const replaced = (own: object) => Object.hasOwn(own, key) || (key === 'max_steps' && epochsCount(own))
  return stages !== null && !judges && stages.map(ownOptions).every(replaced)
}

/** What says which rows all stages are evaluated on. */
const JUDGED = ['data', 'filter', 'max_length', 'template']

/**
 * What all stages are evaluated on, by the templates beside `stages`.
 *
 * @throws UserError where the stage says something else
 */
function evaluatedBeside(config: RunConfig, stage: StageOptions): ReturnType<typeof evaluatedOn> {
  const { template } = config
  const own = Object.keys(AS_LEARNED).find((key) => stage[key as keyof typeof AS_LEARNED] !== undefined)
  if (own !== undefined)
    throw new UserError(
      `stage ${quote(stage.name)} has ${own}, and with curriculum.validation=all the stages are evaluated on the same rows; give it beside stages, or leave it out`,
    )
  if (stage.template !== undefined && template === undefined)
    throw new UserError(
      `stage ${quote(stage.name)} has a template, and with curriculum.validation=all the stages are evaluated by the one beside stages; give one there`,
    )
  const judged = evaluatedOn(config)
  return {
    ...judged,
    eval_data: judged.eval_data.map((source) => ({ ...source, template: source.template ?? template })),
  }
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
  const sources = (data: RunConfig['data']) => data.map((source) => ({ ...source, path: at(source.path) }))
  const options = taskNamed(task).located?.(taskOptions(config), at)
  return {
    ...config,
    model: at(config.model),
    data: sources(config.data),
    eval_data: config.eval_data && sources(config.eval_data),
    from: from === null ? null : at(from),
    npt: npt && 'from' in npt ? { from: at(npt.from) } : npt,
    ...(options ? { [task]: options } : {}),
  }
}
