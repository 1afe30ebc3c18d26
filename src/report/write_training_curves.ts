/** @module */
import { basename, join, resolve } from 'node:path'

import { writeFileAtomic } from '../formats/atomic.ts'
import { readRunConfig } from '../runs/run_config.ts'
import { readRecords } from '../runs/log.ts'
import { taskNamed } from '../tasks/index.ts'
import { trainingCurves } from './training_curves.ts'

/** Draws a run's `log.jsonl` as `curves.svg` beside it, and returns the picture's path. */
export async function writeTrainingCurves(run: string): Promise<string> {
  const { task } = await readRunConfig(run)
  const picture = join(run, 'curves.svg')
  const records = readRecords(join(run, 'log.jsonl'))
  await writeFileAtomic(picture, await trainingCurves(records, basename(resolve(run)), taskNamed(task)))
  return picture
}
