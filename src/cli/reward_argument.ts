/** @module */
import { stat } from 'node:fs/promises'

import { UserError } from '../errors.ts'
import type { RewardMetric, RewardSource } from '../rewards/reward_source.ts'
import { REWARD_METRICS } from '../rewards/reward_source.ts'

/**
 * Where scores come from, as a command line says it: a reward model's folder, a metric's name, or a file with a function.
 *
 * @throws UserError where the text is none of them
 */
export async function rewardSource(text: string): Promise<RewardSource> {
  const isFolder = await stat(text).then(
    (found) => found.isDirectory(),
    () => false,
  )
  if (isFolder) return { model: text }
  if (isMetric(text)) return { metric: text }
  if (/\.(ts|js|mjs)$/.test(text)) return { function: text }
  throw new UserError(
    `--reward ${text} is neither the folder of a reward model, nor a metric (${REWARD_METRICS.join(', ')}), nor a .ts, .js or .mjs file whose default export scores answers; name one of them`,
  )
}

const isMetric = (text: string): text is RewardMetric => REWARD_METRICS.some((name) => name === text)
