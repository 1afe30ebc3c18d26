/**
 * A run of PPO with all that it is made of.
 * @module
 */
import { join } from 'node:path'

import type { Adaptation } from '../../../graphs/models/adaptation.ts'
import type { ArrowDataset } from '../../data/sets/arrow_reader.ts'
import type { Session } from '../../runtime/session.ts'
import { loadTokenizer } from '../../text/tokenizer.ts'
import type { PpoRun } from './ppo.ts'
import { trainPpo } from './ppo.ts'
import type { PpoOptions } from './options.ts'
import { readPrompts } from './prompts.ts'
import { openPpoSessions } from './sessions.ts'
import { openRewardFunction } from '../../rewards/reward_function.ts'
import type { RunConfig } from '../../runs/config.ts'
import { prepacks } from '../../runs/config.ts'
import { appendRecord, truncateRecords } from '../../runs/log.ts'
import type { TrainerState } from '../../learning/trainer_state.ts'

/** What every run has, and a run of PPO is made from. */
export interface PpoRunParts extends Pick<
  PpoRun,
  'memory' | 'constants' | 'state' | 'save' | 'log' | 'watcher'
> {
  readonly folder: string
  readonly options: RunConfig
  readonly lora: Adaptation
  readonly training: Session
  readonly evaluation: Session
  readonly trainData: ArrowDataset
  readonly validationData: ArrowDataset
}

/** What a run keeps beside `log.jsonl`: some responses of every update, and how long updates took. */
const ROLLOUTS = 'rollouts.jsonl'
const TIMES = 'times.jsonl'

/**
 * Trains a created run to its end.
 *
 * @throws UserError where the reward cannot be opened or fails, or where a prompt leaves no room for a response
 */
export async function continuePpo(parts: PpoRunParts, ppo: PpoOptions): Promise<TrainerState> {
  const { folder, options, training, evaluation, trainData, validationData, ...common } = parts
  const { provider, threads, overlong } = options
  const prepacking = prepacks(options)
  const sessionOptions = { provider, prepacking, spinning: false, ...(threads ? { threads } : {}) }
  const tokenizer = await loadTokenizer(folder)
  const [rollouts, times] = [join(folder, ROLLOUTS), join(folder, TIMES)]
  for (const path of [rollouts, times]) await truncateRecords(path, common.state.global_step)

  const { config, decoding, reference } = await openPpoSessions(folder, parts.lora, ppo, sessionOptions)
  try {
    const limits = { context: config.n_positions, max_new_tokens: ppo.max_new_tokens, overlong }
    const prompts = readPrompts(trainData, tokenizer, limits)
    const validationPrompts = readPrompts(validationData, tokenizer, limits)
    const reward = await openRewardFunction(ppo.reward, { provider, ...(threads ? { threads } : {}) })
    try {
      return await trainPpo({
        ...common,
        ...{ options, ppo, config, tokenizer, reward, prompts, validationPrompts },
        sessions: { training, evaluation, decoding, reference },
        logRollout: (record) => appendRecord(rollouts, record),
        logTimes: (record) => appendRecord(times, record),
      })
    } finally {
      await reward.release()
    }
  } finally {
    await decoding.release()
    await reference?.release()
  }
}
