/**
 * How good a run's model is on the data that the run has prepared.
 * @module
 */
import { evaluationGraph } from '../../graphs/artifacts/causal_lm.ts'
import { classificationEvaluationGraph } from '../../graphs/artifacts/classification.ts'
import { consolidationEvaluationGraph } from '../../graphs/artifacts/consolidation.ts'
import { gpt2ParameterShapes } from '../../graphs/models/gpt2_config.ts'
import type { ArrowDataset } from '../data/sets/arrow_reader.ts'
import { NO_LOSS } from '../data/examples/encode.ts'
import type { Split } from '../data/sets/splits.ts'
import { UserError } from '../errors.ts'
import type { CheckpointName, FoundModel } from '../models/find_model.ts'
import { findModel } from '../models/find_model.ts'
import { readManifest } from '../formats/manifest.ts'
import { openFoundEncoder, openFoundModel, withModel } from '../models/open_found_model.ts'
import type { ClassificationReport } from '../metrics/classification.ts'
import { countWords, perplexity } from '../metrics/perplexity.ts'
import { loadTokenizer } from '../text/tokenizer.ts'
import type { CausalLmEvaluation } from '../tasks/sft.ts'
import { evaluateCausalLm } from '../tasks/sft.ts'
import { evaluateClassification } from '../tasks/classification.ts'
import type { ConsolidationEvaluation } from '../tasks/consolidation.ts'
import { evaluateConsolidation } from '../tasks/consolidation.ts'
import type { DpoEvaluation } from '../tasks/dpo/dpo.ts'
import type { NptEvaluation } from './evaluate_npt.ts'
import { evaluateNpt } from './evaluate_npt.ts'
import { evaluateDpoRun, evaluateRewardRun } from './evaluate_preferences.ts'
import { openSplit } from '../runs/split.ts'
import type { RewardEvaluation } from '../tasks/reward.ts'
import { readRunConfig } from '../runs/continue.ts'

interface Evaluated {
  readonly run: string
  readonly checkpoint: CheckpointName
  readonly split: Split
  readonly examples: number
}

export interface LanguageModelEvaluation extends Evaluated, CausalLmEvaluation {
  readonly task: 'sft'
  /** exp of the loss per word of the text that carries loss; it compares models with different tokenizers. */
  readonly perplexityPerWord: number
}

export interface ClassifierEvaluation extends Evaluated {
  readonly task: 'classification'
  readonly loss: number
  readonly report: ClassificationReport
}

/** Of NPT's phase 1. */
export type EquivalenceRunEvaluation = Evaluated & { readonly task: 'equivalence' } & NptEvaluation

/** Of NPT's phase 3. */
export interface ConsolidationRunEvaluation extends Evaluated, ConsolidationEvaluation {
  readonly task: 'consolidation'
}

/** Of a reward model. */
export interface RewardRunEvaluation extends Evaluated, RewardEvaluation {
  readonly task: 'reward'
}

/** Of a policy that has learned from pairs. */
export interface DpoRunEvaluation extends Evaluated, DpoEvaluation {
  readonly task: 'dpo'
}

export type RunEvaluation =
  | LanguageModelEvaluation
  | ClassifierEvaluation
  | EquivalenceRunEvaluation
  | ConsolidationRunEvaluation
  | RewardRunEvaluation
  | DpoRunEvaluation

/**
 * Evaluates a checkpoint of a run on one of its splits.
 *
 * @param checkpoint by default the best, or the last
 * @throws UserError where the folder is no run, or has no such checkpoint or split
 */
export async function evaluateRun(
  run: string,
  split: Split,
  checkpoint?: CheckpointName,
): Promise<RunEvaluation> {
  const dataset = await openSplit(run, split)
  try {
    const model = await findModel(run, { checkpoint })
    const about = { run, checkpoint: model.checkpoint!, split, examples: dataset.size }
    return { ...about, ...(await evaluateModel(run, model, dataset)) }
  } finally {
    dataset.close()
  }
}

async function evaluateModel(run: string, found: FoundModel, dataset: ArrowDataset) {
  const { provider, threads, per_device_eval_batch_size: batchSize } = await readRunConfig(run)
  const options = { provider, ...(threads ? { threads } : {}) }
  const manifest = await readManifest(run)
  const { head, equivalence, consolidation, reward, dpo, ppo } = manifest
  if (ppo)
    throw new UserError(
      `${run} is of task ppo, whose answers are judged by a reward; use "ortune judge ${run} --reward …"`,
    )
  if (found.checkpoint === 'base' && (head || equivalence || consolidation))
    throw new UserError(
      `${run}: the model before training has no ${head ? 'head' : 'plastic blocks'}; choose best or last`,
    )
  if (reward) return { task: 'reward' as const, ...(await evaluateRewardRun(run, found, manifest, dataset)) }
  if (dpo) return { task: 'dpo' as const, ...(await evaluateDpoRun(run, found, manifest, dataset)) }
  if (head) {
    const task = { ...head, classes: head.classes.length }
    const opened = await openFoundEncoder(
      found,
      (parts) => classificationEvaluationGraph({ ...parts, ...task }),
      options,
    )
    return withModel(opened, async (session, parameters) => {
      const { eosId: separator } = await loadTokenizer(run)
      const tokens = { config: opened.config, pooling: head.pooling, separator }
      const result = await evaluateClassification(session, parameters, dataset, { batchSize, ...tokens })
      return { task: 'classification' as const, ...result }
    })
  }
  if (equivalence)
    return {
      task: 'equivalence' as const,
      ...(await evaluateNpt(found, equivalence, dataset, batchSize, options)),
    }
  if (consolidation) {
    const opened = await openFoundModel(
      found,
      gpt2ParameterShapes,
      (parts) => consolidationEvaluationGraph({ ...parts, ...consolidation, npt: found.npt! }),
      options,
    )
    const { fold } = consolidation
    const result = await withModel(opened, (session, parameters) =>
      evaluateConsolidation(session, parameters, dataset, { batchSize, fold }),
    )
    return { task: 'consolidation' as const, ...result }
  }
  const result = await withModel(
    await openFoundModel(found, gpt2ParameterShapes, evaluationGraph, options),
    (session, parameters) => evaluateCausalLm(session, parameters, dataset, batchSize),
  )
  const words = await labelledWords(run, dataset)
  const perplexityPerWord = perplexity(result.loss * result.labelledTokens, words)
  return { task: 'sft' as const, ...result, perplexityPerWord }
}

/** Words of the text that carries loss. */
async function labelledWords(run: string, dataset: ArrowDataset): Promise<number> {
  const tokenizer = await loadTokenizer(run)
  let words = 0
  for (let row = 0; row < dataset.size; row++) {
    const ids = dataset.row(row).labels.filter((id) => id !== NO_LOSS && id !== tokenizer.eosId)
    words += countWords(tokenizer.decode([...ids]))
  }
  return words
}
