/**
 * Whether what a configuration says of learning goes together, and with a model.
 * @module
 */
import type { ModelConfig } from '../../graphs/models/family.ts'
import { familyOf } from '../../graphs/models/family.ts'
import { UserError } from '../errors.ts'
import { TASK_NAMES, taskNamed } from '../tasks/index.ts'
import type { Task } from '../tasks/task.ts'
import type { LearningConfig } from './learning_config.ts'
import { taskOptions } from './learning_config.ts'

export const tasksWhere = (holds: (task: Task) => boolean): string =>
  TASK_NAMES.filter((name) => holds(taskNamed(name))).join(', ')

/** @throws UserError where it does not */
export function checkLearning(config: LearningConfig & { readonly npt?: object | null }): void {
  const { task: name, packing, lora, npt, metric_for_best_model: metric } = config
  const task = taskNamed(name)
  const stray = TASK_NAMES.find((other) => other !== name && config[other] !== undefined)
  if (stray !== undefined)
    throw new UserError(`${stray} has options for task ${stray} alone; leave them out, or set the task`)
  if (packing && task.refuses.packing !== undefined)
    throw new UserError(`packing is not for task ${name}, where ${task.refuses.packing}; leave it out`)
  const drops = typeof lora === 'object' && (lora.lora_dropout ?? 0) > 0
  if (drops && task.refuses.adapterDropout !== undefined)
    throw new UserError(
      `lora_dropout is not for task ${name}, where ${task.refuses.adapterDropout}; leave it out`,
    )
  if (typeof lora === 'object' && lora.modules_to_save && task.refuses.savedModules !== undefined)
    throw new UserError(
      `modules_to_save is not for task ${name}, where ${task.refuses.savedModules}; leave it out`,
    )
  const metrics = ['eval_loss', ...task.metrics]
  if (!metrics.includes(metric))
    throw new UserError(`task ${name} has no metric ${metric}; choose ${metrics.join(' or ')}`)
  if (lora === 'none' && !npt && task.refuses.frozen !== undefined) throw new UserError(task.refuses.frozen)
  taskOptions(config)
}

/**
 * @param model what errors call the model
 * @throws UserError where such a model is not made for the task
 */
export function checkLearner(
  { task, pooling }: Pick<LearningConfig, 'task' | 'pooling'>,
  config: ModelConfig,
  model: string,
): void {
  const { noun, language, pooler } = familyOf(config)
  if (!language && taskNamed(task).head === 'language')
    throw new UserError(
      `${model} is a ${noun}, which reads texts and writes none; name a language model for task ${task}, or set the task to ${tasksWhere(({ head }) => head !== 'language').replace(', ', ' or ')}`,
    )
  if (pooler && pooling !== 'last')
    throw new UserError(`${model} is a ${noun}, which has a pooled output of its own; leave pooling out`)
}
