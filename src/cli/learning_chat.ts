/** @module */
import { dirname } from 'node:path'

import { UserError } from '../errors.ts'
import type { ModelChoice } from '../models/find_model.ts'
import type { Device } from '../runtime/device.ts'
import type { Lessons } from '../runs/lessons/lessons.ts'
import type { Way } from '../runs/lessons/session_folder.ts'

interface LearningFlags {
  readonly learn?: Way
  readonly session?: string
  readonly heldOut?: string
}

/** Whether the model is to learn. Throws UserError for a flag that has no use otherwise. */
export function learns({ learn, session, heldOut }: LearningFlags): boolean {
  if (learn !== undefined || session !== undefined) return true
  if (heldOut !== undefined)
    throw new UserError('--held-out is for lessons; give --learn as well, or leave it out')
  return false
}

/** Opens the model for lessons. */
export async function openLearning(
  folder: string,
  { learn, session, heldOut, ...model }: LearningFlags & ModelChoice & Device,
): Promise<Lessons> {
  const { openLessons } = await import('../runs/lessons/lessons.ts')
  const { checkpoint, adapter, provider, threads } = model
  return openLessons(folder, {
    ...{ checkpoint, adapter, provider, threads, session, heldOut, way: learn },
    async folds() {
      const { openConsolidator } = await import('../exports/consolidator.ts')
      return openConsolidator(folder, { checkpoint, provider, threads })
    },
  })
}

/** Does something with a session folder, if there is one, while no other process does. */
export async function withSession(session: string | undefined, work: () => Promise<void>): Promise<void> {
  if (session === undefined) return work()
  const { beside, makeFolder } = await import('../formats/disk.ts')
  const { withLock } = await import('../formats/lock.ts')
  const lock = beside(session, 'lock')
  await makeFolder(dirname(lock))
  await withLock(lock, session, work)
}
