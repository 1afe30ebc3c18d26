/** @module */
import { join } from 'node:path'

import type { Metrics, StoppedAt } from '../learning/listeners.ts'
import { isBetter } from '../learning/listeners.ts'
import type { TrainerState } from '../learning/trainer_state.ts'
import { counted } from './counted.ts'
import { keepResult } from './keep_result.ts'

export interface TrainingResult {
  readonly folder: string
  readonly state: TrainerState
  /** What was said of it on the way. */
  readonly advice: readonly string[]
  /** Where it was stopped; absent: it is at its end. */
  readonly stopped?: StoppedAt
}

/** Ends a run: draws how it went, and says where its checkpoints are and how good the best one is. */
export async function printTrainingResult(
  { folder, state, advice, stopped }: TrainingResult,
  json: boolean,
): Promise<void> {
  const { readRunConfig } = await import('../runs/run_config.ts')
  const { metric_for_best_model: name } = await readRunConfig(folder)
  const untrained = await valueBefore(folder, name as keyof Metrics)
  await keepResult(
    () => drawCurves(folder, state),
    (picture = null) => {
      const { best_metric: value, best_step: step } = state
      const best = value === null ? null : join(folder, 'checkpoints', 'best')
      const last = state.global_step === 0 ? null : join(folder, 'checkpoints', 'last')
      if (json) {
        const interrupted = stopped !== undefined
        process.stdout.write(
          `${JSON.stringify({ run: folder, best, last, picture, interrupted, ...state, advice })}\n`,
        )
        return
      }
      const shown = `${name.replace('eval_', '').replaceAll('_', ' ')} ${value?.toFixed(4)}`
      const beaten =
        value !== null && untrained !== undefined && isBetter(name, untrained, value)
          ? `, worse than ${untrained.toFixed(4)} before training`
          : ''
      const done =
        stopped === undefined
          ? `trained ${counted(state.global_step, 'step')}`
          : `stopped at step ${[stopped.step, ...(stopped.totalSteps === undefined ? [] : [stopped.totalSteps])].join(' of ')}; go on with "ortune resume ${folder}"`
      process.stdout.write(
        `${done}${value === null ? '' : `; best validation ${shown} at step ${step}${beaten}`}\n` +
          `  best    ${best ?? 'none yet'}\n  last    ${last ?? 'none yet'}\n` +
          (picture === null ? '' : `  curves  ${picture}\n`),
      )
    },
  )
}

/** A metric before the first step, where the log tells of it. */
async function valueBefore(folder: string, metric: keyof Metrics): Promise<number | undefined> {
  const { readEvaluations } = await import('../runs/log.ts')
  const [first] = await readEvaluations(join(folder, 'log.jsonl'))
  return first?.step === 0 ? first[metric] : undefined
}

/** Null where there is nothing to draw yet. */
async function drawCurves(folder: string, { global_step }: TrainerState): Promise<string | null> {
  if (global_step === 0) return null
  const { writeTrainingCurves } = await import('../report/write_training_curves.ts')
  return writeTrainingCurves(folder)
}
