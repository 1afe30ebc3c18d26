/** @module */
import { Command } from 'commander'

import { trainingProgress } from './training_progress.ts'
import { printTrainingResult } from './training_result.ts'

/** `ortune resume <run>` */
export const resumeCommand = (): Command =>
  new Command('resume')
    .argument('<run>', "the run's folder")
    .option('--json', 'print one JSON result on standard output')
    .addHelpText('after', '\nExample:\n  ortune resume runs/dictionary')
    .action(async (folder: string, { json }: { json?: boolean }) => {
      const { continueRun } = await import('../runs/continue.ts')
      const state = await continueRun(folder, trainingProgress())
      await printTrainingResult(folder, state, json ?? false)
    })
