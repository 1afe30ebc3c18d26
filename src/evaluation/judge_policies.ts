/**
 * The two models that are judged against each other.
 * @module
 */
import { realpath } from 'node:fs/promises'

import { UserError } from '../errors.ts'
import { headWords } from '../formats/heads.ts'
import type { CheckpointName, FoundModel } from '../models/find_model.ts'
import { findModel, headOf } from '../models/find_model.ts'
import { modelBefore } from './divergence.ts'

export interface Policy {
  /** The folder, with the checkpoint where it is a run's. */
  readonly name: string
  readonly folder: string
  readonly checkpoint: CheckpointName | null
  readonly found: FoundModel
  /** What it was trained from, where that is known. */
  readonly before: FoundModel | undefined
}

/**
 * The policy of a run, and that of another folder, by default the run's model before training.
 *
 * @throws UserError where there is no language model, or twice the same one
 */
export async function findPolicies(
  run: string,
  checkpoint: CheckpointName | undefined,
  other: string | undefined,
): Promise<readonly [Policy, Policy]> {
  const first = await findPolicy(run, checkpoint)
  const second = await (other === undefined ? findPolicy(run, 'base') : findPolicy(other))
  if ((await identity(first)) === (await identity(second)))
    throw new UserError(
      `${first.name} would be judged against itself; name another run or model, or choose another checkpoint`,
    )
  return [first, second]
}

async function findPolicy(folder: string, checkpoint?: CheckpointName): Promise<Policy> {
  const found = await findModel(folder, { checkpoint })
  const { kind } = headOf(found)
  if (kind !== 'language')
    throw new UserError(`${folder} is a ${headWords[kind].noun} and writes no answers; name a language model`)
  const name = found.checkpoint === undefined ? folder : `${folder} (${found.checkpoint})`
  return { name, folder, checkpoint: found.checkpoint ?? null, found, before: modelBefore(found, folder) }
}

/** The same for folders that hold the same model under other names. */
async function identity({ found: { base, adapter, trained } }: Policy): Promise<string> {
  const parts = [base, adapter, trained].map(async (path) => (path === undefined ? null : realpath(path)))
  return JSON.stringify(await Promise.all(parts))
}
