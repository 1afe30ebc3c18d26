/**
 * The beginning of a run; `run.ts` shows its folder and goes on from there.
 * @module
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { PrepareReport } from '../data/prepare.ts'
import { writeFolderAtomic } from '../formats/atomic.ts'
import { checkOut, placeModel, writeGraphs } from './export.ts'
import { adamwConfig } from './options.ts'
import { prepareData, resolveTemplates } from './prepare_data.ts'
import type { RunConfig } from './run_config.ts'

/** Prepares the data of a new run and exports its artifacts: its whole folder, or nothing. */
export async function createRun(given: RunConfig, onRows?: (rows: number) => void): Promise<PrepareReport> {
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
