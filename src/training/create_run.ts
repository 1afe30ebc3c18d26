/**
 * The beginning of a run; `run.ts` shows its folder and goes on from there.
 * @module
 */
import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { z } from 'zod'

import type { NptConfig } from '../../graphs/models/npt_config.ts'
import type { PrepareReport } from '../data/prepare.ts'
import { UserError } from '../errors.ts'
import { writeFolderAtomic } from '../formats/atomic.ts'
import { TRAINED_FILE } from '../formats/checkpoint.ts'
import { findModel } from '../formats/find_model.ts'
import type { TaskName } from '../formats/manifest.ts'
import {
  consolidationSchema,
  dpoSchema,
  equivalenceSchema,
  ppoLossSchema,
  rewardSchema,
} from '../formats/manifest.ts'
import { checkReference } from './dpo_reference.ts'
import { checkOut, placeModel, writeGraphs } from './export.ts'
import { adamwConfig } from './options.ts'
import { prepareData, resolveTemplates } from './prepare_data.ts'
import { INITIAL_NPT } from './initialise.ts'
import type { RunConfig } from './run_config.ts'
import { adaptationOf } from './run_config.ts'
import { readTaskModel } from './task_model.ts'
import type { TaskFacts } from './task_graphs.ts'

/** Prepares the data of a new run and exports its artifacts: its whole folder, or nothing. */
export async function createRun(given: RunConfig, onRows?: (rows: number) => void): Promise<PrepareReport> {
  checkTask(given)
  const modelConfig = await readTaskModel(given)
  const out = given.output_dir
  await checkOut(out)
  const config = await resolveTemplates(given)
  let report: PrepareReport | undefined
  await writeFolderAtomic(out, async (folder) => {
    await placeModel(config, folder)
    if (config.task === 'dpo') await checkReference(config, folder)
    report = await prepareData(config, folder, join(folder, 'data'), onRows)
    const { model, seed } = config
    const facts = { ...factsOf(config, report.classes), npt: await placeNpt(config.npt, folder) }
    const request = { ...facts, model, lora: adaptationOf(config, modelConfig), seed }
    const data = { fingerprint: report.fingerprint }
    await writeGraphs(folder, { ...request, optimizer: adamwConfig(config) }, data)
    await writeFile(join(folder, 'training.json'), `${JSON.stringify(config, null, 2)}\n`)
  })
  return report!
}

/** The plastic blocks of a configuration; those of another run are copied, for this one to start from. */
async function placeNpt(npt: RunConfig['npt'], folder: string): Promise<NptConfig | null> {
  if (!npt || !('from' in npt)) return npt
  const found = await findModel(npt.from)
  if (!found.npt || found.trained === undefined)
    throw new UserError(`${npt.from} has no trained plastic blocks; name a run that trains some`)
  await copyFile(join(found.trained, TRAINED_FILE), join(folder, INITIAL_NPT))
  return found.npt
}

/** What a configuration says about its task, as a manifest keeps it. */
function factsOf(config: RunConfig, classes: readonly string[]): Omit<TaskFacts, 'lora' | 'npt'> {
  const { task, pooling, classifier_dropout: dropout } = config
  switch (task) {
    case 'sft':
      return { head: null }
    case 'classification':
      return { head: { classes, pooling, dropout } }
    case 'equivalence':
      return { head: null, equivalence: equivalenceSchema.parse(config.equivalence ?? {}) }
    case 'consolidation':
      return { head: null, consolidation: consolidationSchema.parse(config.consolidation ?? {}) }
    case 'reward':
      return {
        head: { classes: ['reward'], pooling, dropout },
        reward: rewardSchema.parse(config.reward ?? {}),
      }
    case 'dpo':
      return { head: null, dpo: z.object(dpoSchema.shape).parse(config.dpo ?? {}) }
    case 'ppo':
      return { head: null, ppo: z.object(ppoLossSchema.shape).parse(config.ppo ?? {}) }
  }
}

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
/** What a checkpoint can be chosen by, beside the loss. */
const TASK_METRICS: Partial<Record<TaskName, readonly string[]>> = {
  classification: ['eval_accuracy', 'eval_macro_f1'],
  reward: ['eval_accuracy'],
  dpo: ['eval_rewards/accuracies', 'eval_rewards/margins'],
  ppo: ['eval_reward'],
}

/** Throws UserError where options do not go with the task, before anything is done. */
function checkTask({ task, packing, metric_for_best_model: metric, ...config }: RunConfig): void {
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
}
