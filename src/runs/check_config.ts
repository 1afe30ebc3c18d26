/**
 * Whether the options of a run go together, before anything is done.
 * @module
 */
import type { ModelConfig } from '../../graphs/models/family.ts'
import { familyOf } from '../../graphs/models/family.ts'
import { compileCondition } from '../data/templates/condition.ts'
import { UserError } from '../errors.ts'
import type { Base } from '../formats/base.ts'
import { readModelConfig } from '../formats/model_config.ts'
import { taskNamed } from '../tasks/index.ts'
import { checkLearner, checkLearning, tasksWhere } from './check_learning.ts'
import { stageConfig } from './curriculum/stage_config.ts'
import type { RunConfig } from './config.ts'

/** @throws UserError where they do not, in any stage of a curriculum */
export function checkConfig(config: RunConfig): void {
  if (config.stages) {
    for (const { name } of config.stages)
      checkConfig(stageConfig(config, name, { run: config.output_dir, from: null }))
    return
  }
  const { task: name, npt, lora } = config
  const task = taskNamed(name)
  if (npt && task.refuses.plasticBlocks === 'refused')
    throw new UserError(
      `npt is for the tasks ${tasksWhere(({ refuses }) => refuses.plasticBlocks !== 'refused')}; task ${name} trains lora or full`,
    )
  if (npt && lora !== undefined && lora !== 'none')
    throw new UserError('npt and lora both say what to train; leave one out')
  checkBase(config)
  if (task.refuses.plasticBlocks === 'needed' && !npt)
    throw new UserError(
      `task ${name} trains plastic blocks; describe them under npt, for example npt.rank=16`,
    )
  checkLearning(config)
  if (config.curriculum !== null)
    throw new UserError(
      'curriculum says how to go through stages, and there are none; describe them under stages, or leave it out',
    )
  if (config.filter !== null) compileCondition(config.filter)
  if (typeof config.eval_filter === 'string') compileCondition(config.eval_filter)
}

/** @throws UserError where frozen weights are to be kept in a type, and there are none */
export function checkBase({ base, lora }: { readonly base?: Base | null; readonly lora?: unknown }): void {
  if (base && lora === 'full')
    throw new UserError(
      `base ${base} is for frozen weights, and lora full freezes none; leave base out, or train adapters`,
    )
}

/** @throws UserError where the configuration is that of several runs */
export function checkSingle({ stages }: RunConfig): void {
  if (stages)
    throw new UserError(
      'stages make a curriculum of several runs, which "ortune train" or createCurriculum makes; leave them out here',
    )
}

/**
 * The configuration of the model that a run starts from.
 *
 * @throws UserError where it cannot be read, or where such a model is not made for the task
 */
export async function readTaskModel({
  model,
  task,
  npt,
  pooling,
}: Pick<RunConfig, 'model' | 'task' | 'npt' | 'pooling'>): Promise<ModelConfig> {
  const config = await readModelConfig(model)
  checkLearner({ task, pooling }, config, model)
  const { noun, plastic } = familyOf(config)
  if (npt && !plastic)
    throw new UserError(`${model} is a ${noun}, which has no plastic blocks; leave npt out`)
  return config
}
