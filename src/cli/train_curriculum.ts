/** @module */
import { join, relative } from 'node:path'

import type { Listener } from '../learning/listeners.ts'
import type { RunConfig } from '../runs/config.ts'
import type { CurrentStage, CurriculumOutcome } from '../runs/curriculum/continue.ts'
import type { PlannedStage } from '../runs/curriculum/create.ts'
import type { StageVisit } from '../runs/curriculum/kept.ts'
import { adviserOf } from './advised.ts'
import { counted } from './counted.ts'
import { finishOnSignal, underWay } from './interruption.ts'
import { keepResult } from './keep_result.ts'
import { startLine } from './start_line.ts'
import { trainingProgress } from './training_progress.ts'

interface CurriculumFlags {
  readonly json?: boolean | undefined
  readonly trustReward?: boolean | undefined
}

/** Makes a curriculum, shows its stages, and trains it to its end. */
export async function trainCurriculum(config: RunConfig, flags: CurriculumFlags): Promise<void> {
  const { createCurriculum } = await import('../runs/curriculum/create.ts')
  const { eachOnce } = await import('../learning/listeners.ts')
  const progress = trainingProgress()
  const note = eachOnce((sentence) => progress.note?.(sentence))
  const stages = await createCurriculum(config, { note })
  process.stderr.write(`${await stageTable(stages)}\n`)
  await resumeCurriculum(config.output_dir, flags, { ...progress, note })
}

/** Trains a curriculum to its end, or until Ctrl-C, and prints what came of it. */
export async function resumeCurriculum(
  folder: string,
  { json = false, trustReward = false }: CurriculumFlags,
  progress: Listener = trainingProgress(),
): Promise<void> {
  const { continueCurriculum } = await import('../runs/curriculum/continue.ts')
  const { listenersAsOne } = await import('../learning/listeners.ts')
  const watch = async ({ name, place, of, run, start, created }: CurrentStage): Promise<Listener> => {
    process.stderr.write(`\nstage ${place} of ${of}, ${name}: ${run}\n`)
    if (created && start !== undefined) process.stderr.write(startLine(start))
    return listenersAsOne([underWay, progress, (await adviserOf(run)).listener])
  }
  await finishOnSignal(async (signal) => {
    const note = (sentence: string) => progress.note?.(sentence)
    const outcome = await continueCurriculum(folder, { watch, note, trustReward, signal })
    await printOutcome(folder, outcome, json)
    if (outcome.finished) process.exitCode = 0
  })
}

/** The stages in their order, with the examples of each. */
async function stageTable(stages: readonly PlannedStage[]): Promise<string> {
  const { textTable } = await import('../metrics/text_table.ts')
  const { exampleNoun } = await import('../report/data_table.ts')
  const rows = stages.map(({ name, config, data }, i) => [
    `${i + 1}`,
    name,
    ...(['train', 'validation'] as const).map((split) =>
      (data.splits[split]?.examples ?? 0).toLocaleString('en'),
    ),
    String(config.max_length ?? 'the context'),
    config.max_steps === null ? counted(config.num_train_epochs, 'epoch') : counted(config.max_steps, 'step'),
    config.filter ?? 'all rows',
  ])
  const noun = exampleNoun(stages[0]!.data)
  return textTable([['stage', 'name', `training ${noun}`, 'validation', 'most tokens', 'for', 'of'], ...rows])
}

async function printOutcome(folder: string, outcome: CurriculumOutcome, json: boolean): Promise<void> {
  const { drawCurriculum } = await import('../report/write_curriculum_curves.ts')
  const { finished, visits, run } = outcome
  const { standingRun } = await import('../formats/curriculum.ts')
  const standing = await standingRun(folder)
  await keepResult(
    () => drawCurriculum(folder),
    (picture) => {
      if (json) {
        const stages = visits.map((visit) => ({ ...visit, run: join(folder, 'stages', visit.run) }))
        const result = { curriculum: folder, stages, run: standing, picture: picture ?? null }
        process.stdout.write(`${JSON.stringify({ ...result, interrupted: !finished })}\n`)
        return
      }
      const done = finished
        ? `trained ${counted(visits.length, 'stage')}`
        : `stopped in ${relative(folder, run)}, with ${counted(visits.length, 'stage')} done; go on with "ortune resume ${folder}"`
      process.stdout.write(
        `${done}\n${visits.map(visitLine).join('')}  model   ${standing}\n` +
          (picture === undefined ? '' : `  curves  ${picture}\n`),
      )
    },
  )
}

const visitLine = ({ run, global_step, best_metric, best_step, earlier = {} }: StageVisit): string => {
  const left = Object.entries(earlier).map(([stage, value]) => `, ${value.toFixed(4)} on ${stage}`)
  const best = best_metric === null ? 'no evaluation' : `best ${best_metric.toFixed(4)} at step ${best_step}`
  return `  ${run}: ${counted(global_step, 'step')}, ${best}${left.join('')}\n`
}
