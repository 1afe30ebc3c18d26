/**
 * The beginning of a run; `run.ts` shows its folder and goes on from there.
 * @module
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { PrepareReport } from '../data/prepare.ts'
import { UserError } from '../errors.ts'
import { writeFolderAtomic } from '../formats/atomic.ts'
import { checkOut, placeModel, writeGraphs } from './export.ts'
import { adamwConfig } from './options.ts'
import { prepareData, resolveTemplates } from './prepare_data.ts'
import type { RunConfig } from './run_config.ts'

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
    const { task, lora, pooling, classifier_dropout: dropout, model, seed } = config
    const head = task === 'classification' ? { classes: report.classes, pooling, dropout } : null
    const request = { model, lora, head, seed, optimizer: adamwConfig(config) }
    await writeGraphs(folder, request, { fingerprint: report.fingerprint })
    await writeFile(join(folder, 'training.json'), `${JSON.stringify(config, null, 2)}\n`)
  })
  return report!
}

/** Throws UserError where options do not go with the task, before anything is done. */
function checkTask({ task, packing, metric_for_best_model: metric }: RunConfig): void {
  if (task === 'classification' && packing)
    throw new UserError('packing is for task sft; a classifier reads one example at a time, so leave it out')
  if (task === 'sft' && metric !== 'eval_loss')
    throw new UserError(`metric_for_best_model ${metric} is one of task classification; choose eval_loss`)
}
