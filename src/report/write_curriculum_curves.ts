/** @module */
import { join } from 'node:path'

import { writeFileAtomic } from '../formats/atomic.ts'
import { stageRuns } from '../formats/curriculum.ts'
import { exists } from '../formats/read_file.ts'
import { readCurriculum } from '../runs/curriculum/kept.ts'
import { readRecords } from '../runs/log.ts'
import { taskNamed } from '../tasks/index.ts'
import type { Part } from './training_curves.ts'
import { stagedCurves } from './training_curves.ts'

/**
 * Draws the stages of a curriculum in a row as `curves.svg` in its folder.
 *
 * @returns the picture's path; undefined where there is nothing to draw yet
 */
export async function drawCurriculum(folder: string): Promise<string | undefined> {
  const { config } = await readCurriculum(folder)
  const parts: Part[] = []
  for (const run of await stageRuns(folder)) {
    const log = join(run, 'log.jsonl')
    const name = run.slice(run.indexOf('-', join(folder, 'stages').length) + 1)
    if (await exists(log)) parts.push({ name, records: readRecords(log) })
  }
  if (parts.length === 0) return undefined
  const picture = join(folder, 'curves.svg')
  await writeFileAtomic(picture, await stagedCurves(parts, folder, taskNamed(config.task)))
  return picture
}
