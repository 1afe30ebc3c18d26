/**
 * The beginning of a run; `run.ts` shows its folder and goes on from there.
 * @module
 */
import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { NptConfig } from '../../graphs/models/npt_config.ts'
import type { PrepareReport } from '../data/prepare.ts'
import { UserError } from '../errors.ts'
import { writeFolderAtomic } from '../formats/atomic.ts'
import { TRAINED_FILE } from '../formats/checkpoint.ts'
import { findModel } from '../formats/find_model.ts'
import { consolidationSchema, equivalenceSchema } from '../formats/manifest.ts'
import { checkOut, placeModel, writeGraphs } from './export.ts'
import { adamwConfig } from './options.ts'
import { prepareData, resolveTemplates } from './prepare_data.ts'
import { INITIAL_NPT } from './initialise.ts'
import type { RunConfig } from './run_config.ts'
import { adaptationOf } from './run_config.ts'

/** Prepares the data of a new run and exports its artifacts: its whole folder, or nothing. */
export async function createRun(given: RunConfig, onRows?: (rows: number) => void): Promise<PrepareReport> {
  checkTask(given)
  const out = given.output_dir
  await checkOut(out)
  const config = await resolveTemplates(given)
  let report: PrepareReport | undefined
  await writeFolderAtomic(out, async (folder) => {
    await placeModel(config, folder)
    report = await prepareData(config, folder, join(folder, 'data'), onRows)
    const { task, pooling, classifier_dropout: dropout, model, seed } = config
    const head = task === 'classification' ? { classes: report.classes, pooling, dropout } : null
    const equivalence = task === 'equivalence' ? equivalenceSchema.parse(config.equivalence ?? {}) : null
    const consolidation =
      task === 'consolidation' ? consolidationSchema.parse(config.consolidation ?? {}) : null
    const npt = await placeNpt(config.npt, folder)
    const request = { model, lora: adaptationOf(config), head, npt, equivalence, consolidation, seed }
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

/** Throws UserError where options do not go with the task, before anything is done. */
function checkTask({ task, packing, metric_for_best_model: metric, ...config }: RunConfig): void {
  if (config.npt && config.lora !== undefined && config.lora !== 'none')
    throw new UserError('npt and lora both say what to train; leave one out')
  if ((task === 'equivalence' || task === 'consolidation') && !config.npt)
    throw new UserError(
      `task ${task} trains plastic blocks; describe them under npt, for example npt.rank=16`,
    )
  if (task !== 'equivalence' && config.equivalence)
    throw new UserError('equivalence has options for task equivalence alone; leave them out, or set the task')
  if (task !== 'consolidation' && config.consolidation)
    throw new UserError(
      'consolidation has options for task consolidation alone; leave them out, or set the task',
    )
  if (task === 'consolidation' && packing)
    throw new UserError(
      'packing is not for task consolidation, where each text makes an update of its own; leave it out',
    )
  if (task === 'classification' && packing)
    throw new UserError('packing is for task sft; a classifier reads one example at a time, so leave it out')
  if (task !== 'classification' && metric !== 'eval_loss')
    throw new UserError(`metric_for_best_model ${metric} is one of task classification; choose eval_loss`)
}
