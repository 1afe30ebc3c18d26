/**
 * The beginning of a run; `continue.ts` shows its folder and goes on from there.
 * @module
 */
import { copyFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

import type { NptConfig } from '../../graphs/models/npt_config.ts'
import type { PrepareReport } from '../data/sets/prepare.ts'
import { UserError } from '../errors.ts'
import { writeFolderAtomic } from '../formats/atomic.ts'
import { writeFrozen } from '../formats/frozen_weights.ts'
import { loadTokenizer } from '../formats/load_tokenizer.ts'
import { TRAINED_FILE } from '../formats/trained_file.ts'
import { adamwConfig } from '../learning/options.ts'
import { findModel } from '../models/find_model.ts'
import { createClosing } from '../runtime/closing.ts'
import { taskNamed } from '../tasks/index.ts'
import { placeModel, writeGraphs } from './artifacts.ts'
import { changingOptions } from './option_history.ts'
import { checkRunDevice } from './check_device.ts'
import { checkConfig, checkSingle, readTaskModel } from './check_config.ts'
import { checkOut } from './check_out.ts'
import type { RunConfig } from './config.ts'
import { adaptationOf, taskOptions } from './learning_config.ts'
import { withLearningRate } from './learning_rate.ts'
import { newHead } from './new_head.ts'
import { folderHost } from './host.ts'
import { INITIAL_NPT } from './initialise.ts'
import { prepareData, resolveTemplates } from './prepare_data.ts'
import { withPinnedReward } from './reward.ts'
import { placelessSettings } from './run_identity.ts'
import { settingsOf } from './settings.ts'
import { openSplitFile } from './split.ts'
import { checkStart, checkStartHead, findStart } from './start.ts'

/** Who watches a run being made. */
export interface CreateWatcher {
  /** Called now and then with the rows read so far. */
  readonly onRows?: (rows: number) => void
  /** Is told which code of the user's is run, before it is. */
  readonly note?: (sentence: string) => void
  /** What the data's fingerprint must be, where it has been looked at before. */
  readonly fingerprint?: string | undefined
}

/** What there is to say of a new run. */
export interface CreatedRun extends PrepareReport {
  /** Parameters that the model was saved without, which are drawn from the seed. */
  readonly fresh: readonly string[]
  /** The checkpoint of another run that it starts from. */
  readonly start?: string | undefined
}

/**
 * Prepares the data of a new run and exports its artifacts: its whole folder, or nothing.
 *
 * @example
 * const data = [{ path: 'words.csv', split: { validation: 0.1 } }]
 * await createRun(readConfig({ model: 'artifacts/pocket', output_dir: 'runs/words', data }))
 *
 * @throws UserError where the options, the model or the data cannot be used
 */
export async function createRun(config: RunConfig, watcher: CreateWatcher = {}): Promise<CreatedRun> {
  checkSingle(config)
  checkConfig(config)
  await readTaskModel(config)
  const out = config.output_dir
  await checkOut(out)
  let created: CreatedRun | undefined
  const fill = async (folder: string) => {
    created = await fillRun(folder, config, watcher)
  }
  await writeFolderAtomic(out, fill, () => checkOut(out))
  return created!
}

/** Writes all of a new run into an empty folder, be it where the configuration says or not yet. */
export async function fillRun(
  folder: string,
  given: RunConfig,
  { onRows, note, fingerprint }: CreateWatcher = {},
): Promise<CreatedRun> {
  checkConfig(given)
  const modelConfig = await readTaskModel(given)
  await checkRunDevice(given)
  const config = withLearningRate(await resolveTemplates(given), modelConfig)
  const task = taskNamed(config.task)
  const work = await task.work()
  const options = taskOptions(config)
  const start = config.from === null ? undefined : await findStart(config.from)
  const fresh = await placeModel({ ...config, head: { kind: task.head } }, folder)
  if (config.base !== null) await writeFrozen(folder, config.base)
  const lora = adaptationOf(config, modelConfig)
  const npt = await placeNpt(config.npt, folder)
  if (start) await checkStart(start, folder, { lora, npt })
  const host = folderHost(folder, config, undefined, note)
  const about = { settings: config, config: modelConfig, lora, npt, host, options }
  const tokenizer = () => loadTokenizer(folder, config.model)
  if (work.check) await work.check({ ...about, tokenizer: await tokenizer() })
  const report = await prepareData(config, folder, join(folder, 'data'), onRows)
  if (fingerprint !== undefined && report.fingerprint !== fingerprint)
    throw new UserError(
      `the data has changed since it was looked at (${config.data.map(({ path }) => path).join(', ')}); put it back, or begin anew`,
    )
  const head = newHead(task.head, config, report.classes)
  if (start) checkStartHead(start, head)
  if (work.prepare) {
    const closing = createClosing()
    try {
      const [trainData, validationData] = [
        closing.add(openSplitFile(folder, 'train')),
        closing.add(openSplitFile(folder, 'validation')),
      ]
      await work.prepare({ ...about, tokenizer: await tokenizer(), trainData, validationData })
    } finally {
      await closing.close()
    }
  }
  const { model, seed, gradient_checkpointing } = config
  const graphOptions = task.graphOptions.parse(options)
  const { precision } = config
  const request = {
    task: config.task,
    options: graphOptions,
    head,
    lora,
    npt,
    gradient_checkpointing,
    precision,
    model,
    seed,
  }
  const data = { fingerprint: report.fingerprint }
  // A run may be resumed from another working directory.
  const kept = task.located
    ? { ...config, [config.task]: task.located(options, (path) => resolve(path)) }
    : config
  const pinned = await withPinnedReward(kept)
  const settings = settingsOf(pinned, config.task)
  const optimizers = { optimizer: adamwConfig(config), plastic: config.plastic }
  const placeless = placelessSettings(config)
  const known = { data, settings, placeless, began_with: changingOptions(pinned) }
  await writeGraphs(folder, { ...request, ...optimizers }, known, start?.checkpoint)
  await writeFile(join(folder, 'training.json'), `${JSON.stringify(pinned, null, 2)}\n`)
  return { ...report, fresh, start: start?.checkpoint }
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
