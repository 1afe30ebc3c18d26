/** @module */
import { join } from 'node:path'

import { writeFileAtomic } from '../formats/atomic.ts'
import { readText } from '../formats/read_file.ts'
import type { EvaluationRecord, StepRecord } from '../learning/listeners.ts'
import { readRunConfig } from '../runs/continue.ts'
import { taskNamed } from '../tasks/index.ts'
import { trainingCurves } from './training_curves.ts'

/** Draws a run's `log.jsonl` as `curves.svg` beside it, and returns the picture's path. */
export async function writeTrainingCurves(run: string): Promise<string> {
  const lines = (await readText(join(run, 'log.jsonl'))).trim().split('\n')
  const records = lines.map((line) => JSON.parse(line) as StepRecord | EvaluationRecord)
  const { task } = await readRunConfig(run)
  const picture = join(run, 'curves.svg')
  await writeFileAtomic(picture, await trainingCurves(records, run, taskNamed(task)))
  return picture
}
