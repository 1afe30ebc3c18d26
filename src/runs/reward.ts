/**
 * The reward that a run learns from. Where it is a function of the user's, its file must stay the one that the run was made with.
 * @module
 */
import { checkDigest, pinReward } from '../rewards/reward_digest.ts'
import type { RewardSource } from '../rewards/reward_source.ts'
import { rewardSourceSchema } from '../rewards/reward_source.ts'
import type { RunConfig, SettledConfig } from './config.ts'
import { taskOptions } from './config.ts'
import { keepOptions, readRunConfig } from './run_config.ts'

/** Undefined where its task learns from none. */
export function rewardOf(config: RunConfig): RewardSource | undefined {
  const options = taskOptions(config)
  return 'reward' in options ? rewardSourceSchema.parse(options.reward) : undefined
}

/** The configuration with the digest of the reward's file as it is now. */
export async function withPinnedReward<C extends RunConfig>(config: C): Promise<C> {
  const reward = rewardOf(config)
  return reward === undefined
    ? config
    : { ...config, [config.task]: { ...taskOptions(config), reward: await pinReward(reward) } }
}

/** @throws UserError where the reward's file is missing, or another by now */
export async function checkReward(config: RunConfig): Promise<void> {
  const reward = rewardOf(config)
  if (reward && 'function' in reward)
    await checkDigest(
      reward,
      `accept this one by "ortune resume ${config.output_dir} --trust-reward", in programs by trustReward: true`,
    )
}

/** Writes the digest of the reward's file into the run. */
export async function keepReward(folder: string): Promise<SettledConfig> {
  const config = await withPinnedReward(await readRunConfig(folder))
  await keepOptions(folder, { [config.task]: config[config.task] })
  return config
}
