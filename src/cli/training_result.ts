/** @module */
import { join } from 'node:path'

import type { TrainerState } from '../training/trainer_state.ts'

/** Ends a run: draws its loss, and says where its checkpoints are and how good the best one is. */
export async function printTrainingResult(folder: string, state: TrainerState, json: boolean): Promise<void> {
  const { writeLossCurve } = await import('../report/write_loss_curve.ts')
  const picture = await writeLossCurve(folder)
  const best = join(folder, 'checkpoints', 'best')
  const last = join(folder, 'checkpoints', 'last')
  if (json) {
    process.stdout.write(`${JSON.stringify({ run: folder, best, last, picture, ...state })}\n`)
    return
  }
  const loss = state.best_eval_loss
  process.stdout.write(
    `trained ${state.global_step} steps` +
      (loss === null
        ? ''
        : `; best validation perplexity ${Math.exp(loss).toFixed(2)} at step ${state.best_step}`) +
      `\n  best  ${best}\n  last  ${last}\n  loss  ${picture}\n`,
  )
}
