/** @module */
import { join } from 'node:path'

import type { TrainerState } from '../learning/trainer_state.ts'

/** Ends a run: draws how it went, and says where its checkpoints are and how good the best one is. */
export async function printTrainingResult(folder: string, state: TrainerState, json: boolean): Promise<void> {
  const { readRunConfig } = await import('../runs/continue.ts')
  const { writeTrainingCurves } = await import('../report/write_training_curves.ts')
  const picture = await writeTrainingCurves(folder)
  const best = join(folder, 'checkpoints', 'best')
  const last = join(folder, 'checkpoints', 'last')
  if (json) {
    process.stdout.write(`${JSON.stringify({ run: folder, best, last, picture, ...state })}\n`)
    return
  }
  const { best_metric: value, best_step: step } = state
  const { metric_for_best_model: name } = await readRunConfig(folder)
  const shown = `${name.replace('eval_', '').replaceAll('_', ' ')} ${value?.toFixed(4)}`
  process.stdout.write(
    `trained ${state.global_step} steps${value === null ? '' : `; best validation ${shown} at step ${step}`}\n` +
      `  best    ${best}\n  last    ${last}\n  curves  ${picture}\n`,
  )
}
