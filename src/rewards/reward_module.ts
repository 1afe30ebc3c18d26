/**
 * A user's own reward: a file whose default export scores samples.
 *
 * @example
 * // reward.ts: the shorter, the better
 * export default (samples: { prompt: string; response: string }[]) =>
 *   samples.map(({ response }) => -response.length / 100)
 *
 * @module
 */
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

import { UserError } from '../errors.ts'
import type { RewardFunction } from './reward_function.ts'
import type { RewardSample } from './reward_sample.ts'
import { sampleName } from './reward_sample.ts'

type Score = (samples: readonly RewardSample[]) => number[] | Promise<number[]>

/**
 * Loads the file. TypeScript is understood wherever ortune's command runs.
 *
 * @param path relative to the working directory
 * @throws UserError where the file is missing, cannot be loaded, or exports no function as its default
 */
export async function openRewardModule(path: string): Promise<RewardFunction> {
  const name = `the reward function ${path}`
  const found = await stat(path).catch(() => undefined)
  if (!found) throw new UserError(`${name} is missing; give the path of a file`)
  if (found.isDirectory())
    throw new UserError(
      `${name} is a folder; give the path of a file, or name a reward model's folder as model`,
    )
  const module = (await import(pathToFileURL(resolve(path)).href).catch((error: unknown) => {
    throw new UserError(`${name} cannot be loaded: ${messageOf(error)}`, { cause: error })
  })) as { readonly default?: unknown }
  if (module.default === undefined)
    throw new UserError(`${name} has no default export; write "export default (samples) => …"`)
  if (typeof module.default !== 'function')
    throw new UserError(`${name} exports ${typeof module.default} as its default; export a function`)
  const score = module.default as Score

  return {
    name,
    score: async (samples) => {
      try {
        return await score(samples)
      } catch (error) {
        const guilty = await firstThatFails(score, samples)
        const where = guilty ? sampleName(guilty) : `${samples.length} samples together`
        throw new UserError(`${name} failed on ${where}: ${messageOf(error)}`, { cause: error })
      }
    },
    release: () => Promise.resolve(),
  }
}

/** Of a batch that failed, the first sample that fails alone. */
async function firstThatFails(
  score: Score,
  samples: readonly RewardSample[],
): Promise<RewardSample | undefined> {
  for (const sample of samples) {
    try {
      await score([sample])
    } catch {
      return sample
    }
  }
  return undefined
}

/** Its first line, with the next one where it announces that. */
function messageOf(error: unknown): string {
  const [first, second = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
  return first!.endsWith(':') ? `${first} ${second.trim()}` : first!
}
