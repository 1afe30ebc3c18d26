/**
 * The folder of a curriculum: a run for each stage, in `stages`, numbered in the order in which they were gone through.
 * @module
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

import { exists } from './read_file.ts'
import { standingFolder } from './standing_folder.ts'

/** What makes a folder one. */
export const CURRICULUM_FILE = 'curriculum.json'
export const STAGES_FOLDER = 'stages'

/** Whether the folder is a curriculum's. */
export const isCurriculum = (folder: string): Promise<boolean> => exists(join(folder, CURRICULUM_FILE))

/** The runs of a curriculum that there are, from the first on. */
export async function stageRuns(folder: string): Promise<string[]> {
  const names = await readdir(join(folder, STAGES_FOLDER)).catch((): string[] => [])
  return names
    .filter((name) => /^\d+-/.test(name))
    .sort((a, b) => Number.parseInt(a) - Number.parseInt(b))
    .map((name) => join(folder, STAGES_FOLDER, name))
}

/** The run that a folder stands for: of a curriculum the last stage's that has a checkpoint, else the folder itself. */
export async function standingRun(folder: string): Promise<string> {
  if (!(await isCurriculum(folder))) return folder
  const runs = await stageRuns(folder)
  for (const run of [...runs].reverse())
    for (const name of ['best', 'last'])
      if (await exists(join(await standingFolder(join(run, 'checkpoints', name)), 'trainer_state.json')))
        return run
  return runs[0] ?? folder
}
