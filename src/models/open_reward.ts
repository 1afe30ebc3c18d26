/**
 * Opens what scores responses: a trained reward model, a metric of the project, a pattern, or a function of the user's.
 * @module
 */
import { markText } from '../data/templates/end_of_text.ts'
import { checkModelDigests } from './model_digests.ts'
import { openScorer } from './open_scorer.ts'
import type { Device } from '../runtime/device.ts'
import type { RewardFunction } from '../rewards/reward_function.ts'
import { isPlain, plainReward } from '../rewards/plain_reward.ts'
import { openRewardModule } from '../rewards/reward_module.ts'
import type { RewardSource } from '../rewards/reward_source.ts'
import { withCheckedScores } from '../rewards/checked_scores.ts'

export interface RewardFunctionOptions extends Device {
  /** Of a reward model: responses that it reads together. */
  readonly batch?: number
  /** Is told, in a sentence, which function of a run's is run, before it is. */
  readonly note?: ((sentence: string) => void) | undefined
}

/**
 * Opens a source of scores. Its scores are checked: there is one number per sample, no larger than a mean can hold, or an error.
 *
 * @param source a function's path is relative to the working directory
 * @throws UserError where the source cannot be opened; scoring throws one where it fails, naming source and sample
 */
export async function openRewardFunction(
  source: RewardSource,
  options: RewardFunctionOptions = {},
): Promise<RewardFunction> {
  return withCheckedScores(await openSource(source, options))
}

async function openSource(source: RewardSource, options: RewardFunctionOptions): Promise<RewardFunction> {
  if ('function' in source) return openRewardModule(source, options.note)
  if (isPlain(source)) return plainReward(source)
  if (source.files)
    await checkModelDigests(source.model, source.files, 'change its files in the configuration')
  const scorer = await openScorer(source.model, options)
  return {
    name: `the reward model ${source.model}`,
    // They are of the policy's tokens, so that what looks like a control token is one.
    score: (samples) =>
      scorer.score(
        samples.map(({ prompt, response }) => ({ prompt: markText(prompt), response: markText(response) })),
      ),
    release: () => scorer.release(),
  }
}
