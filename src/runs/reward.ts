/**
 * The reward that a run learns from. Where it is a function of the user's or a model, its files must stay those that the run was made
 * with.
 * @module
 */
import { checkModelDigests, modelDigests } from '../models/model_digests.ts'
import { checkDigest, pinReward } from '../rewards/reward_digest.ts'
import type { RewardSource } from '../rewards/reward_source.ts'
import { rewardSourceSchema } from '../rewards/reward_source.ts'
import type { WeightedSources } from '../rewards/weighted_rewards.ts'
import type { RunConfig, SettledConfig } from './config.ts'
import { taskOptions } from './learning_config.ts'
import { keepOptions, readRunConfig } from './run_config.ts'

/** The rewards, and what each weighs; undefined where its task learns from none. */
export function rewardsOf(config: RunConfig): WeightedSources | undefined {
  const options = taskOptions(config)
  if ('reward_funcs' in options) return options as WeightedSources
  return 'reward' in options && options.reward
    ? { reward_funcs: [rewardSourceSchema.parse(options.reward)] }
    : undefined
}

/** The configuration with the digests of the rewards' files, or of their models', as they are now. */
export async function withPinnedReward<C extends RunConfig>(config: C): Promise<C> {
  const rewards = rewardsOf(config)
  if (rewards === undefined) return config
  const pinned: RewardSource[] = []
  for (const reward of rewards.reward_funcs)
    pinned.push(
      'model' in reward ? { ...reward, files: await modelDigests(reward.model) } : await pinReward(reward),
    )
  const options = taskOptions(config)
  const kept = 'reward_funcs' in options ? { reward_funcs: pinned } : { reward: pinned[0] }
  return { ...config, [config.task]: { ...options, ...kept } }
}

/** @throws UserError where a reward's file, or one of its model's, is missing, or another by now */
export async function checkReward(config: RunConfig): Promise<void> {
  const remedy = `accept this one by "ortune resume ${config.output_dir} --trust-reward", in programs by trustReward: true`
  for (const reward of rewardsOf(config)?.reward_funcs ?? []) {
    if ('function' in reward) await checkDigest(reward, remedy)
    if ('model' in reward && reward.files) await checkModelDigests(reward.model, reward.files, remedy)
  }
}

/** Writes these digests into the run. */
export async function keepReward(folder: string): Promise<SettledConfig> {
  const config = await withPinnedReward(await readRunConfig(folder))
  await keepOptions(folder, { [config.task]: config[config.task] })
  return config
}
