/**
 * The reward that a run learns from. Where it is a function of the user's or a model, its files must stay those that the run was made
 * with.
 * @module
 */
import { checkModelDigests, modelDigests } from '../models/model_digests.ts'
import { checkDigest, pinReward } from '../rewards/reward_digest.ts'
import type { RewardSource } from '../rewards/reward_source.ts'
import { rewardSourceSchema } from '../rewards/reward_source.ts'
import type { RunConfig, SettledConfig } from './config.ts'
import { taskOptions } from './learning_config.ts'
import { keepOptions, readRunConfig } from './run_config.ts'

/** Undefined where its task learns from none. */
export function rewardOf(config: RunConfig): RewardSource | undefined {
  const options = taskOptions(config)
  return 'reward' in options && options.reward ? rewardSourceSchema.parse(options.reward) : undefined
}

/** The configuration with the digests of the reward's file, or of its model's, as they are now. */
export async function withPinnedReward<C extends RunConfig>(config: C): Promise<C> {
  const reward = rewardOf(config)
  if (reward === undefined) return config
  const pinned =
    'model' in reward ? { ...reward, files: await modelDigests(reward.model) } : await pinReward(reward)
  return { ...config, [config.task]: { ...taskOptions(config), reward: pinned } }
}

/** @throws UserError where the reward's file, or one of its model's, is missing, or another by now */
export async function checkReward(config: RunConfig): Promise<void> {
  const reward = rewardOf(config)
  const remedy = `accept this one by "ortune resume ${config.output_dir} --trust-reward", in programs by trustReward: true`
  if (reward && 'function' in reward) await checkDigest(reward, remedy)
  if (reward && 'model' in reward && reward.files) await checkModelDigests(reward.model, reward.files, remedy)
}

/** Writes these digests into the run. */
export async function keepReward(folder: string): Promise<SettledConfig> {
  const config = await withPinnedReward(await readRunConfig(folder))
  await keepOptions(folder, { [config.task]: config[config.task] })
  return config
}
