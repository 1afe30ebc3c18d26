/**
 * How well a run tells preferred answers from others: a reward model by its scores, a policy of DPO by what it has learned
 * beside its reference.
 * @module
 */
import { dpoEvaluationGraph } from '../../graphs/artifacts/dpo.ts'
import { rewardEvaluationGraph } from '../../graphs/artifacts/reward.ts'
import { gpt2ParameterShapes } from '../../graphs/models/gpt2_config.ts'
import type { ArrowDataset } from '../data/sets/arrow_reader.ts'
import type { FoundModel } from '../models/find_model.ts'
import type { Manifest } from '../formats/manifest.ts'
import { openFoundEncoder, openFoundModel, withModel } from '../models/open_found_model.ts'
import { loadTokenizer } from '../text/tokenizer.ts'
import type { DpoEvaluation } from '../tasks/dpo/dpo.ts'
import { evaluateDpo } from '../tasks/dpo/dpo.ts'
import { referenceOf } from '../tasks/dpo/reference.ts'
import type { RewardEvaluation } from '../tasks/reward.ts'
import { evaluateReward } from '../tasks/reward.ts'
import { readRunConfig } from '../runs/continue.ts'

/** Judges a reward model on pairs. */
export async function evaluateRewardRun(
  run: string,
  found: FoundModel,
  { head, reward }: Manifest,
  dataset: ArrowDataset,
): Promise<RewardEvaluation> {
  const { provider, threads, per_device_eval_batch_size: batchSize } = await readRunConfig(run)
  const { pooling } = head!
  const { eosId: separator } = await loadTokenizer(run)
  const opened = await openFoundEncoder(
    found,
    (parts) => rewardEvaluationGraph({ ...parts, ...reward!, pooling, dropout: 0 }),
    { provider, ...(threads ? { threads } : {}) },
  )
  const tokens = { config: opened.config, pooling, separator }
  return withModel(opened, (session, parameters) =>
    evaluateReward(session, parameters, dataset, { batchSize, ...tokens }),
  )
}

/** Judges a policy on pairs, beside the reference that it was trained with. */
export async function evaluateDpoRun(
  run: string,
  found: FoundModel,
  { dpo }: Manifest,
  dataset: ArrowDataset,
): Promise<DpoEvaluation> {
  const options = await readRunConfig(run)
  const { provider, threads, per_device_eval_batch_size: batchSize } = options
  const reference = await referenceOf(run, options, dataset)
  const opened = await openFoundModel(
    found,
    gpt2ParameterShapes,
    (parts) => dpoEvaluationGraph({ ...parts, dpo: dpo! }),
    { provider, ...(threads ? { threads } : {}) },
  )
  return withModel(opened, (session, parameters) =>
    evaluateDpo(session, parameters, dataset, reference, batchSize),
  )
}
