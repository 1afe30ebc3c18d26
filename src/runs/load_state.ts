/**
 * Where a run goes on from: its last checkpoint, its best one where the last is gone, or its beginning.
 * @module
 */
import { cp, lstat } from 'node:fs/promises'
import { join } from 'node:path'

import type { ModelConfig } from '../../graphs/models/family.ts'
import { UserError } from '../errors.ts'
import { checkCheckpoint, STATE_FILE } from '../formats/checkpoint_seal.ts'
import { kindOf } from '../formats/disk.ts'
import { recoverStandingFolder, writeStandingFolder } from '../formats/standing_folder.ts'
import type { TrainerState } from '../learning/trainer_state.ts'
import { initialState, parseState } from '../learning/trainer_state.ts'
import type { TrainingState } from '../runtime/training_state.ts'
import { hasCheckpoint, readCheckpoint } from './checkpoint.ts'
import { fillInitial } from './initial_state.ts'
import type { RunManifest } from './run_manifest.ts'

/**
 * Fills the tensors, and gives the state that they are of.
 *
 * @throws UserError where a checkpoint is damaged or another run's, or something else stands in its place
 */
export async function loadState(
  folder: string,
  tensors: TrainingState,
  manifest: RunManifest,
  config: ModelConfig,
  note: (sentence: string) => void,
): Promise<TrainerState> {
  const checkpoints = join(folder, 'checkpoints')
  const [last, best] = [join(checkpoints, 'last'), join(checkpoints, 'best')]
  for (const place of [checkpoints, last, best]) await checkPlace(place)
  const read = async (from: string) => {
    const stored = await readCheckpoint(from, tensors, manifest.lora)
    return stored === undefined ? undefined : parseState(stored, manifest.task, join(from, STATE_FILE))
  }
  const state = await read(last)
  if (state !== undefined) {
    await checkBest(best)
    return state
  }
  const judged = await read(best)
  if (judged === undefined) {
    await fillInitial(folder, tensors, manifest, config)
    return initialState
  }
  note(`${last} is gone, so the run goes on from ${best}, of step ${judged.global_step}`)
  // It has the same tensors and state as the last one had at this step.
  await writeStandingFolder(last, (temporary) => cp(best, temporary, { recursive: true }))
  return judged
}

/** @throws UserError where a checkpoint is expected and something stands that is no folder, such as a link to a disk that is not there */
async function checkPlace(path: string): Promise<void> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (found === undefined || (await kindOf(path)) === 'folder') return
  throw new UserError(
    found.isSymbolicLink()
      ? `${path} is a link to a folder that is not there; mount its disk or put the folder back, or remove the link to go on without it`
      : `${path} is no folder, so it holds no checkpoint; put the folder back, or remove what stands there to go on without it`,
  )
}

/** The best checkpoint may stay to the end, where it is what is used of the run. */
async function checkBest(best: string): Promise<void> {
  await recoverStandingFolder(best)
  if (await hasCheckpoint(best))
    await checkCheckpoint(best, 'training', ', or remove its folder to go on without it')
}
