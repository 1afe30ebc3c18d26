/**
 * A reward function is code, and its scores are of one kind while its file stays the same: so a run keeps the file's SHA-256.
 * What it imports is not looked at.
 * @module
 */
import { stat } from 'node:fs/promises'

import { UserError } from '../errors.ts'
import { digestOf } from '../formats/sealed.ts'
import type { RewardFile, RewardSource } from './reward_source.ts'

export const rewardName = (path: string): string => `the reward function ${path}`

/** The SHA-256 of a function's file. Throws UserError where there is none. */
async function rewardDigest(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined)
  if (!found) throw new UserError(`${rewardName(path)} is missing; give the path of a file`)
  if (found.isDirectory())
    throw new UserError(
      `${rewardName(path)} is a folder; give the path of a file, or name a reward model's folder as model`,
    )
  return digestOf(path)
}

/** The source with its file's digest, where it is a function. */
export const pinReward = async (source: RewardSource): Promise<RewardSource> =>
  'function' in source ? { ...source, sha256: await rewardDigest(source.function) } : source

/**
 * The digest of a function's file, which must be the one that is kept, if any is.
 *
 * @param remedy completes "put the old file back, or", for the error
 * @throws UserError where there is no such file, or another
 */
export async function checkDigest({ function: path, sha256 }: RewardFile, remedy: string): Promise<string> {
  const digest = await rewardDigest(path)
  if (sha256 === undefined || sha256 === digest) return digest
  const [now, then] = [digest, sha256].map((hex) => `${hex.slice(0, 12)}…`)
  throw new UserError(
    `${rewardName(path)} is another file than it was (SHA-256 ${now} in place of ${then}), so that its scores would be of another kind; put the old file back, or ${remedy}`,
  )
}
