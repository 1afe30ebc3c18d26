/**
 * A run of PPO with all that it is made of.
 * @module
 */
import { join } from 'node:path'

import { decodingGraph } from '../../../graphs/artifacts/generation.ts'
import { ppoEvaluationGraph } from '../../../graphs/artifacts/ppo.ts'
import type { Adaptation } from '../../../graphs/models/adaptation.ts'
import type { ArrowDataset } from '../../data/arrow_reader.ts'
import { openGpt2Folder } from '../../formats/model_folder.ts'
import { openGraph } from '../../generation/open_graph.ts'
import type { NodeSessionOptions } from '../../runtime/node.ts'
import type { Session } from '../../runtime/session.ts'
import { loadTokenizer } from '../../text/tokenizer.ts'
import type { PpoRun } from '../ppo.ts'
import { trainPpo } from '../ppo.ts'
import type { PpoOptions } from './ppo_options.ts'
import { readPrompts } from './ppo_prompts.ts'
import { openRewardFunction } from '../../rewards/reward_function.ts'
import type { RunConfig } from '../run_config.ts'
import { appendRecord, truncateRecords } from '../run_log.ts'
import type { TrainerState } from '../trainer_state.ts'

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
  const { provider, prepacking, threads, overlong } = options
  const sessionOptions = { provider, prepacking, spinning: false, ...(threads ? { threads } : {}) }
  const tokenizer = await loadTokenizer(folder)
  const [rollouts, times] = [join(folder, ROLLOUTS), join(folder, TIMES)]
  for (const path of [rollouts, times]) await truncateRecords(path, common.state.global_step)

  const { config, decoding, reference } = await openBeside(folder, parts.lora, ppo, sessionOptions)
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

/** The sessions that only PPO has, on the run's own weights. */
async function openBeside(folder: string, lora: Adaptation, ppo: PpoOptions, options: NodeSessionOptions) {
  const model = await openGpt2Folder(folder)
  const { config } = model
  const decoding = await openGraph(
    `the decoder of ${folder}`,
    model,
    (stored) =>
      decodingGraph(lora === 'full' ? { config } : { config, stored, ...(lora === 'none' ? {} : { lora }) }),
    options,
  )
  const reference =
    lora === 'full'
      ? await openGraph(
          `the reference of ${folder}`,
          model,
          (stored) => ppoEvaluationGraph({ config, stored, lora: 'none', ppo }),
          options,
        )
      : null
  return { config, decoding: decoding.session, reference: reference?.session ?? null }
}
