/**
 * The beginning of a run; `run.ts` shows its folder and goes on from there.
 * @module
 */
import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { encoderContext } from '../../graphs/models/encoder.ts'
import type { NptConfig } from '../../graphs/models/npt_config.ts'
import type { PrepareReport } from '../data/sets/prepare.ts'
import { UserError } from '../errors.ts'
import { writeFolderAtomic } from '../formats/atomic.ts'
import { TRAINED_FILE } from './checkpoint.ts'
import { findModel } from '../models/find_model.ts'
import { located } from '../rewards/reward_function.ts'
import { checkTask } from './check_task.ts'
import { checkReference } from '../tasks/dpo/reference.ts'
import { checkOut, placeModel, writeGraphs } from './artifacts.ts'
import { adamwConfig } from '../learning/options.ts'
import { checkPpoData } from '../tasks/ppo/check_data.ts'
import { prepareData, resolveTemplates } from './prepare_data.ts'
import { INITIAL_NPT } from './initialise.ts'
import type { RunConfig } from './config.ts'
import { adaptationOf } from './config.ts'
import { readTaskModel } from './task_model.ts'
import { factsOf } from './task_facts.ts'

/** Prepares the data of a new run and exports its artifacts: its whole folder, or nothing. */
export async function createRun(given: RunConfig, onRows?: (rows: number) => void): Promise<PrepareReport> {
  await checkTask(given)
  const modelConfig = await readTaskModel(given)
  const out = given.output_dir
  await checkOut(out)
  const config = await resolveTemplates(given)
  let report: PrepareReport | undefined
  await writeFolderAtomic(out, async (folder) => {
    await placeModel(config, folder)
    if (config.task === 'dpo') await checkReference(config, folder)
    report = await prepareData(config, folder, join(folder, 'data'), onRows)
    const { model, seed, ppo, overlong } = config
    if (ppo) await checkPpoData(folder, ppo, { context: encoderContext(modelConfig), overlong })
    const facts = { ...factsOf(config, report.classes), npt: await placeNpt(config.npt, folder) }
    const request = { ...facts, model, lora: adaptationOf(config, modelConfig), seed }
    const data = { fingerprint: report.fingerprint }
    await writeGraphs(folder, { ...request, optimizer: adamwConfig(config) }, data)
    // A run may be resumed from another working directory.
    const kept = ppo ? { ...config, ppo: { ...ppo, reward: located(ppo.reward) } } : config
    await writeFile(join(folder, 'training.json'), `${JSON.stringify(kept, null, 2)}\n`)
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
