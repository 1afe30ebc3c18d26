/**
 * Reward models: scores by which the answer that people preferred gets the higher one. Christiano et
 * al.: Deep Reinforcement Learning from Human Preferences (2017); Ouyang et al.: Training Language Models to Follow
 * Instructions with Human Feedback (2022), section 3.5.
 *
 *     P(y₊ is preferred to y₋ | x) = σ(s₊ − s₋)                               (Bradley and Terry, 1952)
 *     L = mean over pairs of −log σ(s₊ − s₋ − margin) + c·(s₊ + s₋)²
 *
 * The second term, with c of `center_rewards_coefficient`, keeps scores around 0: the first one sees differences alone.
 * @module
 */
import { rewardEvaluationGraph, rewardShapes, rewardTrainingGraph } from '../../graphs/tasks/reward.ts'
import type { Head } from '../../graphs/models/head.ts'
import type { DataSet } from '../data/sets/data_set.ts'
import type { Reading } from '../data/batches/batches.ts'
import { sequentialBatches } from '../data/batches/batches.ts'
import type { EncoderTokens } from '../data/batches/collate_encoder.ts'
import { collateEncoder } from '../data/batches/collate_encoder.ts'
import type { EncodedExample } from '../data/examples/encode.ts'
import { pairRows } from '../data/batches/packing.ts'
import type { Calibration } from '../metrics/calibration.ts'
import { calibration } from '../metrics/calibration.ts'
import type { Feeds, Session, Tensors } from '../runtime/session.ts'
import type { Dropout } from '../learning/dropout.ts'
import { dropoutMask } from '../learning/dropout.ts'
import type { Objective } from '../learning/gradient_descent.ts'
import { gradientDescent } from '../learning/gradient_descent.ts'
import { calibrationTable } from '../metrics/calibration_table.ts'
import { forEvaluation } from './evaluation_metrics.ts'
import { encoderSettings, pooledHead } from './pooled_head.ts'
import type { RewardOptions } from './reward_task.ts'
import type { GraphRequest, TaskWork } from './task.ts'

export interface RewardSettings extends EncoderTokens, Dropout {}

/** The step's loss is a mean over all its pairs; each answer of each step draws its own dropout mask. */
export const rewardObjective = (settings: RewardSettings): Objective => ({
  weight: (examples) => examples.length / 2,
  feeds: (sequences, { total, step, first }) => {
    const feeds = collateAnswers(sequences, settings, total)
    if (settings.dropout === 0) return feeds
    return { ...feeds, dropout_mask: dropoutMask(2 * sequences.length, settings, step, 2 * first) }
  },
  metrics: (outputs) => rewardMetrics(outputs.flatMap(({ scores }) => pairsOf(scores!.data as Float32Array))),
})

/**
 * The encoder's inputs for the answers of pairs, [2·pairs, sequence], the preferred one first in each pair;
 * margins: float32 [pairs]; pair_weights: float32 [pairs], each 1/total.
 */
export function collateAnswers(
  pairs: readonly (readonly EncodedExample[])[],
  tokens: EncoderTokens,
  total: number,
): Feeds {
  const dims = [pairs.length]
  const margins = Float32Array.from(pairs, ([chosen]) => chosen!.margin ?? 0)
  return {
    ...collateEncoder(pairs.flat(), tokens),
    margins: { dtype: 'float32', dims, data: margins },
    pair_weights: { dtype: 'float32', dims, data: new Float32Array(pairs.length).fill(1 / total) },
  }
}

/** Scores of a pair's answers, s₊ and s₋. */
export type PairScores = readonly [chosen: number, rejected: number]

const pairsOf = (scores: Float32Array): PairScores[] =>
  Array.from({ length: scores.length / 2 }, (_, pair) => [scores[2 * pair]!, scores[2 * pair + 1]!])

/** What scores tell, under the names of TRL's RewardTrainer. */
export type RewardMetrics = Readonly<
  Record<'accuracy' | 'margin' | 'mean_reward' | 'min_reward' | 'max_reward', number>
>

/** accuracy: share of the pairs with s₊ > s₋; margin: mean of s₊ − s₋; mean, least and greatest of all scores. */
export function rewardMetrics(pairs: readonly PairScores[]): RewardMetrics {
  const metrics = { accuracy: 0, margin: 0, mean_reward: 0, min_reward: Infinity, max_reward: -Infinity }
  for (const [chosen, rejected] of pairs) {
    metrics.accuracy += Number(chosen > rejected) / pairs.length
    metrics.margin += (chosen - rejected) / pairs.length
    metrics.mean_reward += (chosen + rejected) / (2 * pairs.length)
    metrics.min_reward = Math.min(metrics.min_reward, chosen, rejected)
    metrics.max_reward = Math.max(metrics.max_reward, chosen, rejected)
  }
  return metrics
}

export interface RewardEvaluation {
  /** Mean per pair. */
  readonly loss: number
  readonly metrics: RewardMetrics
  /** Whether the model is right as often as σ(s₊ − s₋) says; margins do not count. */
  readonly calibration: Calibration
  /** Of each pair, in the data's order. */
  readonly scores: readonly PairScores[]
}

/**
 * Runs the evaluation graph over every pair, in order.
 *
 * @param batchSize pairs that are run together
 */
export async function evaluateReward(
  session: Session,
  parameters: Tensors,
  dataset: DataSet,
  { batchSize, watch, ...tokens }: EncoderTokens & Reading,
): Promise<RewardEvaluation> {
  const found: PairScores[] = []
  let sum = 0
  for (const { sequences } of sequentialBatches(dataset, { batchSize, watch }, pairRows(dataset.lengths))) {
    const { loss, scores } = await session.run({
      ...collateAnswers(sequences, tokens, sequences.length),
      ...parameters,
    })
    sum += sequences.length * (loss!.data[0] as number)
    found.push(...pairsOf(scores!.data as Float32Array))
  }
  return {
    loss: sum / found.length,
    metrics: rewardMetrics(found),
    calibration: calibration(found.map(([chosen, rejected]) => chosen - rejected)),
    scores: found,
  }
}

const graphTask = (request: GraphRequest, given: RewardOptions, head: Head) => ({
  ...request,
  ...pooledHead(head),
  ...given,
})

export const rewardWork: TaskWork<RewardOptions, RewardOptions, RewardEvaluation> = {
  graphs(request, given, head) {
    const task = graphTask(request, given, head)
    return {
      trainable: () => rewardShapes(task),
      training: () => rewardTrainingGraph(task),
      evaluation: () => rewardEvaluationGraph(task),
    }
  },
  train(run) {
    const settings = encoderSettings(run)
    return gradientDescent({
      ...run,
      options: run.settings,
      objective: rewardObjective(settings),
      async evaluate(parameters, watch) {
        const given = { batchSize: run.settings.per_device_eval_batch_size, watch, ...settings }
        const { loss, metrics } = await evaluateReward(run.evaluation, parameters, run.validationData, given)
        return { eval_loss: loss, ...forEvaluation(metrics) }
      },
    })
  },
  evaluation: {
    async find(model, data, run) {
      return model.withGraph(
        (request) => rewardEvaluationGraph(graphTask(request, run.options, run.head)),
        async (session, parameters) => {
          const batchSize = run.settings.per_device_eval_batch_size
          return evaluateReward(session, parameters, data, { batchSize, ...encoderSettings(run) })
        },
      )
    },
    figures: ({ scores, loss, metrics, calibration }) => [
      ['pairs', scores.length, 0],
      ['loss', loss, 4],
      ['accuracy', metrics.accuracy, 4],
      ['margin', metrics.margin, 4],
      ['mean score', metrics.mean_reward, 4],
      ['expected calibration error', calibration.expectedCalibrationError, 4],
      ['Brier score', calibration.brierScore, 4],
    ],
    details: ({ calibration }, name) => [calibrationTable(name, calibration)],
  },
}
