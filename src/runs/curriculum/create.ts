/**
 * The beginning of a curriculum: all of it is checked, and the run of its first stage is made.
 * @module
 */

import type { PrepareReport } from '../../data/sets/prepare.ts'
import { UserError } from '../../errors.ts'
import { makeFolder } from '../../formats/disk.ts'
import { writeFolderAtomic } from '../../formats/atomic.ts'
import { quote } from '../../quote.ts'
import { checkOut } from '../check_out.ts'
import type { RunConfig } from '../config.ts'
import type { CreateWatcher } from '../create.ts'
import { fillRun } from '../create.ts'
import { tryData } from '../try_data.ts'
import { visitFolder, visitName, writeCurriculum } from './kept.ts'
import { curriculumOptions } from './options.ts'
import { orderOf } from './order.ts'
import { stageConfig } from './stage_config.ts'

/** A stage as it will be gone through. */
export interface PlannedStage {
  readonly name: string
  readonly config: RunConfig
  readonly data: PrepareReport
}

/**
 * Makes the folder of a curriculum, whole or not at all; `continueCurriculum` trains it.
 *
 * @returns the stages in their order
 * @throws UserError naming the stage whose options, filter or data cannot be used
 */
export async function createCurriculum(
  config: RunConfig,
  watcher: CreateWatcher = {},
): Promise<readonly PlannedStage[]> {
  const out = config.output_dir
  await checkOut(out)
  const stages = await planStages(config)
  const order = stages.map(({ name }) => name)
  const fingerprints = Object.fromEntries(stages.map(({ name, data }) => [name, data.fingerprint]))
  const fill = async (folder: string) => {
    const [first] = stages as [PlannedStage]
    const run = visitFolder(folder, visitName(1, first.name))
    await makeFolder(run)
    await ofStage(first.name, () => fillRun(run, first.config, watcher))
    const directory = process.cwd()
    await writeCurriculum(folder, { format_version: 1, config, directory, order, fingerprints, visits: [] })
  }
  await writeFolderAtomic(out, fill, () => checkOut(out))
  return stages
}

/** The stages in their order, each with its data counted. Throws UserError naming the stage that cannot be gone through. */
export async function planStages(config: RunConfig): Promise<readonly PlannedStage[]> {
  const planned: PlannedStage[] = []
  for (const stage of stagesOf(config))
    planned.push({ ...stage, data: await ofStage(stage.name, () => tryData(stage.config, { examples: 0 })) })
  return planned
}

/** The stages in their order, each with the configuration of its run. */
export function stagesOf(config: RunConfig): readonly Omit<PlannedStage, 'data'>[] {
  const { stages, output_dir, seed } = config
  if (!stages) throw new UserError('there are no stages; describe some, or create a run')
  const { order } = curriculumOptions(config.curriculum)
  const names = stages.map(({ name }) => name)
  return orderOf(names, order, seed).map((name, i) => {
    const run = visitFolder(output_dir, visitName(i + 1, name))
    return { name, config: stageConfig(config, name, { run, from: null }) }
  })
}

/** Says of which stage it is that something cannot be used. */
export async function ofStage<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof UserError ? new UserError(`stage ${quote(name)}: ${error.message}`) : error
  }
}
