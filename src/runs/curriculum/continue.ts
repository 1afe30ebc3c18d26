/**
 * A curriculum from its first stage to its last. Each stage is a run of its own that starts from the best checkpoint of the one before:
 *
 *     curriculum.json                    what it is made from, and the stages that are done
 *     stages/1-definitions               a run
 *     stages/2-explanations              a run that started from it
 *     curves.svg                         all of them in a row
 * @module
 */
import { join } from 'node:path'

import { UserError } from '../../errors.ts'
import { exists } from '../../formats/read_file.ts'
import { withLock } from '../../formats/lock.ts'
import type { Listener } from '../../learning/listeners.ts'
import type { TrainerState } from '../../learning/trainer_state.ts'
import { continueRun } from '../continue.ts'
import type { CreatedRun } from '../create.ts'
import { createRun } from '../create.ts'
import { lockOf } from '../run_lock.ts'
import { findStart } from '../start.ts'
import { ofStage } from './create.ts'
import type { KeptCurriculum, StageVisit } from './kept.ts'
import { readCurriculum, visitFolder, visitName, wayOf, writeCurriculum } from './kept.ts'
import { metricsFrom } from './look_back.ts'
import { nextStage } from './next_stage.ts'
import { curriculumOptions } from './options.ts'
import { stageConfig } from './stage_config.ts'

/** A stage that begins or goes on. */
export interface CurrentStage {
  readonly name: string
  /** Which one it is in their order, from 1. */
  readonly place: number
  /** How many were gone through before, and how many stages there are. */
  readonly done: number
  readonly of: number
  readonly run: string
  /** The checkpoint of the stage before that it starts from. */
  readonly start?: string | undefined
  /** What there is to say of its run, where it was made just now. */
  readonly created?: CreatedRun
}

export interface CurriculumOutcome {
  /** Whether all stages are done; false: it was stopped. */
  readonly finished: boolean
  /** Those that are done. */
  readonly visits: readonly StageVisit[]
  /** Of the stage that was under way, where one was. */
  readonly state?: TrainerState
  /** The run of the last stage that was begun. */
  readonly run: string
}

export interface ContinueCurriculumOptions {
  /** Who watches a stage. */
  readonly watch?: (stage: CurrentStage) => Promise<Listener> | Listener
  /** Is told what an adaptive curriculum decides. */
  readonly note?: (sentence: string) => void
  readonly trustReward?: boolean
  /** Stops it after the step under way. */
  readonly signal?: AbortSignal
}

/**
 * Trains a created curriculum to its end, from where it stands.
 *
 * @throws UserError as `continueRun` does, or where a stage's data has changed since the curriculum was made
 */
export async function continueCurriculum(
  folder: string,
  options: ContinueCurriculumOptions = {},
): Promise<CurriculumOutcome> {
  await readCurriculum(folder)
  return withLock(lockOf(folder), folder, () => continueStages(folder, options))
}

async function continueStages(
  folder: string,
  { watch, note, trustReward = false, signal }: ContinueCurriculumOptions,
): Promise<CurriculumOutcome> {
  let kept = await readCurriculum(folder)
  const way = wayOf(kept)
  for (;;) {
    const { visits } = kept
    const last = visits.at(-1)
    const name = nextStage(way, visits)
    if (name === undefined) return { finished: true, visits, run: visitFolder(folder, last!.run) }
    const run = visitFolder(folder, visitName(visits.length + 1, name))
    if (last && way.order.indexOf(name) < way.order.indexOf(last.stage))
      note?.(`back to stage ${name}, of which ${last.stage} has unlearned too much`)
    const created = await createStage(folder, kept, name)
    const start = last && join(visitFolder(folder, last.run), 'checkpoints', 'best')
    const place = way.order.indexOf(name) + 1
    const stage = { name, place, done: visits.length, of: way.order.length, run, start }
    const watcher = await watch?.({ ...stage, ...(created ? { created } : {}) })
    const state = await continueRun(run, watcher && named(watcher, `${name} ${place}/${way.order.length}`), {
      trustReward,
      ...(signal ? { signal } : {}),
    })
    if (signal?.aborted) return { finished: false, visits, state, run }
    kept = { ...kept, visits: [...visits, await visitOf(folder, kept, name, state)] }
    await writeCurriculum(folder, kept)
  }
}

/** The same listener, told of which stage a plan is. */
const named = (watcher: Listener, stage: string): Listener => ({
  ...watcher,
  start: (plan) => watcher.start?.({ ...plan, stage }),
})

/** Makes the run of a stage, where there is none yet. */
async function createStage(
  folder: string,
  { config, directory, visits, fingerprints }: KeptCurriculum,
  name: string,
): Promise<CreatedRun | undefined> {
  const run = visitFolder(folder, visitName(visits.length + 1, name))
  if (await exists(join(run, 'training.json'))) return undefined
  const last = visits.at(-1)
  const from = last ? visitFolder(folder, last.run) : null
  const own = stageConfig(config, name, { run, from, directory })
  return ofStage(name, () => createRun(own, { fingerprint: fingerprints[name] }))
}

/** A stage that has come to its end. */
async function visitOf(
  folder: string,
  kept: KeptCurriculum,
  stage: string,
  { global_step, best_metric, best_step }: TrainerState,
): Promise<StageVisit> {
  const run = visitName(kept.visits.length + 1, stage)
  const done = { stage, run, global_step, best_metric, best_step }
  if (curriculumOptions(kept.config.curriculum).advance === 'fixed') return done
  const { checkpoint } = await findStart(visitFolder(folder, run))
  const { order, metrics } = wayOf(kept)
  const earlier: Record<string, number> = {}
  for (const name of order.slice(0, order.indexOf(stage))) {
    const before = kept.visits.findLast((visit) => visit.stage === name)
    if (!before) continue
    const found = await metricsFrom(visitFolder(folder, before.run), checkpoint)
    const value = found[metrics[name] as keyof typeof found]
    if (value === undefined) throw new UserError(`stage "${name}" has no metric ${metrics[name]}`)
    earlier[name] = value
  }
  return { ...done, earlier }
}
