/** @module */
import { join } from 'node:path'

import { UserError } from '../errors.ts'
import type { Manifest } from '../formats/manifest.ts'
import { readManifest } from '../formats/manifest.ts'
import { checkJson } from '../schema.ts'
import type { TaskName } from '../tasks/index.ts'
import { TASK_NAMES, taskNamed } from '../tasks/index.ts'

/** A manifest whose task is known, and its options checked. */
export interface RunManifest extends Omit<Manifest, 'task' | 'options'> {
  readonly task: TaskName
  readonly options: object
}

/** @throws UserError where the folder has no manifest, or one of a task that is not known */
export async function readRunManifest(folder: string): Promise<RunManifest> {
  const manifest = await readManifest(folder)
  const task = TASK_NAMES.find((name) => name === manifest.task)
  const where = join(folder, 'ortune.json')
  if (task === undefined)
    throw new UserError(
      `${where} is of task ${manifest.task}, which is not known here (there are ${TASK_NAMES.join(', ')}); use the version of ortune that made it`,
    )
  return { ...manifest, task, options: checkJson(taskNamed(task).graphOptions, manifest.options, where) }
}
