/** @module */
import { join } from 'node:path'

import type { TrainerState } from '../training/trainer_state.ts'

/** What a finished run says: where its checkpoints are and how good the best one is. */
export function printTrainingResult(folder: string, state: TrainerState, json: boolean): void {
  const best = join(folder, 'checkpoints', 'best')
  const last = join(folder, 'checkpoints', 'last')
  if (json) {
    process.stdout.write(`${JSON.stringify({ run: folder, best, last, ...state })}\n`)
    return
  }
  const loss = state.best_eval_loss
  process.stdout.write(
    `trained ${state.global_step} steps` +
      (loss === null
        ? ''
        : `; best validation perplexity ${Math.exp(loss).toFixed(2)} at step ${state.best_step}`) +
      `\n  best  ${best}\n  last  ${last}\n`,
  )
}
