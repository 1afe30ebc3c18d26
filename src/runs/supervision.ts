/**
 * What the runs of each supervised task learn by, and what they are judged by on the way.
 * @module
 */
import type { EncoderConfig } from '../../graphs/models/encoder.ts'
import { encoderWidth } from '../../graphs/models/encoder.ts'
import type { ArrowDataset } from '../data/sets/arrow_reader.ts'
import type { Manifest } from '../formats/manifest.ts'
import type { Feeds, Session } from '../runtime/session.ts'
import { loadTokenizer } from '../text/tokenizer.ts'
import { causalLmObjective, evaluateCausalLm } from '../tasks/sft.ts'
import { classificationObjective, evaluateClassification } from '../tasks/classification.ts'
import { consolidationObjective, evaluateConsolidation } from '../tasks/consolidation.ts'
import { dpoObjective, evaluateDpo, withoutAdapters } from '../tasks/dpo/dpo.ts'
import { keptReference } from '../tasks/dpo/reference.ts'
import { equivalenceObjective, evaluateEquivalence } from '../tasks/equivalence.ts'
import { evaluateReward, rewardObjective } from '../tasks/reward.ts'
import type { RunConfig } from './config.ts'
import { dpoOptions } from './config.ts'
import type { SupervisedRun } from '../learning/gradient_descent.ts'

/** What objectives and evaluations need of a run. */
export interface SupervisionNeeds {
  readonly folder: string
  readonly manifest: Manifest
  readonly config: EncoderConfig
  readonly options: RunConfig
  readonly evaluation: Session
  /** The trained tensors, as inputs of the graphs. */
  readonly parameters: Feeds
  readonly trainData: ArrowDataset
  readonly validationData: ArrowDataset
  /** Called while a reference is measured, with the pairs done and all there are. */
  readonly onPairs?: (done: number, of: number) => void
}

/** The objective of a run's task, and how parameters are judged on its validation data. */
export async function supervision(
  needs: SupervisionNeeds,
): Promise<Pick<SupervisedRun, 'objective' | 'evaluate'>> {
  const { folder, manifest, config, options, evaluation, validationData } = needs
  const { head, equivalence, consolidation, reward, dpo } = manifest
  const batchSize = options.per_device_eval_batch_size
  if (equivalence)
    return {
      objective: equivalenceObjective,
      async evaluate(parameters) {
        const { loss } = await evaluateEquivalence(evaluation, parameters, validationData, batchSize)
        return { eval_loss: loss }
      },
    }
  if (consolidation) {
    const { fold } = consolidation
    return {
      objective: consolidationObjective(fold),
      async evaluate(parameters) {
        const settings = { batchSize, fold }
        const { loss } = await evaluateConsolidation(evaluation, parameters, validationData, settings)
        return { eval_loss: loss }
      },
    }
  }
  if (head) {
    const { pooling, dropout } = head
    const tokens = { config, pooling, separator: (await loadTokenizer(folder)).eosId }
    const settings = { ...tokens, dropout, width: encoderWidth(config), seed: options.seed }
    if (reward)
      return {
        objective: rewardObjective(settings),
        async evaluate(parameters) {
          const given = { batchSize, ...tokens }
          const { loss, metrics } = await evaluateReward(evaluation, parameters, validationData, given)
          return { eval_loss: loss, ...forEvaluation(metrics) }
        },
      }
    return {
      objective: classificationObjective(settings),
      async evaluate(parameters) {
        const given = { batchSize, ...tokens }
        const { loss, report } = await evaluateClassification(evaluation, parameters, validationData, given)
        return { eval_loss: loss, eval_accuracy: report.accuracy, eval_macro_f1: report.macro.f1 }
      },
    }
  }
  if (dpo) {
    const reference = await references(needs)
    return {
      objective: dpoObjective(reference.train),
      async evaluate(parameters) {
        const { validation } = reference
        const result = await evaluateDpo(evaluation, parameters, validationData, validation, batchSize)
        return { eval_loss: result.loss, ...forEvaluation(result.metrics) }
      },
    }
  }
  return {
    objective: causalLmObjective,
    async evaluate(parameters) {
      const { loss, perplexity } = await evaluateCausalLm(evaluation, parameters, validationData, batchSize)
      return { eval_loss: loss, eval_perplexity: perplexity }
    },
  }
}

/** What DPO's policy is held to: measured once and kept, or asked anew each time. */
async function references(needs: SupervisionNeeds) {
  const { folder, options, evaluation, parameters, trainData, validationData, onPairs } = needs
  if (!dpoOptions(options).precompute_ref_log_probs) {
    const reference = withoutAdapters(evaluation, parameters)
    return { train: reference, validation: reference }
  }
  const data = { train: trainData, validation: validationData }
  return keptReference(folder, options, data, {
    open: { session: evaluation, parameters },
    ...(onPairs ? { onPairs } : {}),
  })
}

const forEvaluation = (metrics: Readonly<Record<string, number>>): Record<`eval_${string}`, number> =>
  Object.fromEntries(Object.entries(metrics).map(([name, value]) => [`eval_${name}`, value]))
