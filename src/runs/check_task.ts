/** @module */
import { UserError } from '../errors.ts'
import type { TaskName } from '../formats/manifest.ts'
import { openRewardFunction } from '../rewards/reward_function.ts'
import type { DpoOptions, RunConfig } from './config.ts'

/** Tasks with options under a key of their own name. */
const OWN_OPTIONS = ['equivalence', 'consolidation', 'reward', 'dpo', 'ppo'] as const
/** Tasks that can do with plastic blocks. */
const PLASTIC_TASKS: readonly TaskName[] = ['sft', 'classification', 'equivalence', 'consolidation']
const NO_PACKING: Partial<Record<TaskName, string>> = {
  classification: 'a classifier reads one example at a time',
  consolidation: 'each text makes an update of its own',
  reward: 'a reward model reads one answer at a time',
  dpo: 'the answers of a pair share their prompt already',
  ppo: 'responses are as long as the policy makes them',
}
/** Losses of DPO that know of pairs the wrong way round. */
const SMOOTHED: readonly DpoOptions['loss_type'][] = ['sigmoid', 'robust']
/** What a checkpoint can be chosen by, beside the loss. */
const TASK_METRICS: Partial<Record<TaskName, readonly string[]>> = {
  classification: ['eval_accuracy', 'eval_macro_f1'],
  reward: ['eval_accuracy', 'eval_margin'],
  dpo: ['eval_rewards/accuracies', 'eval_rewards/margins'],
  ppo: ['eval_reward'],
}

/**
 * Checks that options go with the task, and that what it needs is there, before anything is done.
 *
 * @throws UserError where not
 */
export async function checkTask({
  task,
  packing,
  metric_for_best_model: metric,
  ...config
}: RunConfig): Promise<void> {
  if (config.npt && config.lora !== undefined && config.lora !== 'none')
    throw new UserError('npt and lora both say what to train; leave one out')
  if ((task === 'equivalence' || task === 'consolidation') && !config.npt)
    throw new UserError(
      `task ${task} trains plastic blocks; describe them under npt, for example npt.rank=16`,
    )
  if (config.npt && !PLASTIC_TASKS.includes(task))
    throw new UserError(`npt is for the tasks ${PLASTIC_TASKS.join(', ')}; task ${task} trains lora or all`)
  const stray = OWN_OPTIONS.find((name) => name !== task && config[name] !== undefined)
  if (stray !== undefined)
    throw new UserError(`${stray} has options for task ${stray} alone; leave them out, or set the task`)
  const reason = NO_PACKING[task]
  if (packing && reason !== undefined)
    throw new UserError(`packing is not for task ${task}, where ${reason}; leave it out`)
  const metrics = ['eval_loss', ...(TASK_METRICS[task] ?? [])]
  if (!metrics.includes(metric))
    throw new UserError(`task ${task} has no metric ${metric}; choose ${metrics.join(' or ')}`)
  if (config.dpo && config.dpo.label_smoothing > 0 && !SMOOTHED.includes(config.dpo.loss_type))
    throw new UserError(
      `dpo.label_smoothing has no place in the loss ${config.dpo.loss_type}; leave it out, or choose ${SMOOTHED.join(' or ')}`,
    )
  if ((task === 'dpo' || task === 'ppo') && config.lora === 'none')
    throw new UserError(`lora "none" leaves the policy of task ${task} as it is; train lora or full`)
  if (task !== 'ppo') return
  if (!config.ppo)
    throw new UserError(
      'task ppo needs to know what scores responses; give ppo.reward a model, a metric or a function',
    )
  const { provider, threads } = config
  const reward = await openRewardFunction(config.ppo.reward, { provider, ...(threads ? { threads } : {}) })
  await reward.release()
}
