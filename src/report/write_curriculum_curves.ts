/** @module */
import { basename, join } from 'node:path'

import { writeFileAtomic } from '../formats/atomic.ts'
import { stageRuns } from '../formats/curriculum.ts'
import { exists } from '../formats/read_file.ts'
import { readCurriculum, visitName } from '../runs/curriculum/kept.ts'
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
  const { config, order } = await readCurriculum(folder)
  const parts: Part[] = []
  let before = -1
  for (const [i, run] of (await stageRuns(folder)).entries()) {
    const position = order.findIndex((stage) => visitName(i + 1, stage) === basename(run))
    const stage = order[position] ?? basename(run)
    const log = join(run, 'log.jsonl')
    if (await exists(log))
      parts.push({ name: position < before ? `back to ${stage}` : stage, records: readRecords(log) })
    before = position
  }
  if (parts.length === 0) return undefined
  const picture = join(folder, 'curves.svg')
  await writeFileAtomic(picture, await stagedCurves(parts, folder, taskNamed(config.task)))
  return picture
}
