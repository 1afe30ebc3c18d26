/** @module */
import { join } from 'node:path'

import { writeFileAtomic } from '../formats/atomic.ts'
import { readText } from '../formats/read_file.ts'
import type { EvaluationRecord, StepRecord } from '../training/progress.ts'
import { lossCurve } from './loss_curve.ts'

/** Draws a run's `log.jsonl` as `loss.svg` beside it, and returns the picture's path. */
export async function writeLossCurve(run: string): Promise<string> {
  const lines = (await readText(join(run, 'log.jsonl'))).trim().split('\n')
  const records = lines.map((line) => JSON.parse(line) as StepRecord | EvaluationRecord)
  const picture = join(run, 'loss.svg')
  await writeFileAtomic(picture, await lossCurve(records, run))
  return picture
}
