/**
 * What scores the responses of a policy: a trained reward model, a metric of the project, or a function of the user's.
 * @module
 */
import { resolve } from 'node:path'

import { z } from 'zod'

import { UserError } from '../errors.ts'
import { quote } from '../formats/quote.ts'
import { openScorer } from '../models/open_scorer.ts'
import type { Provider } from '../runtime/node.ts'
import { REWARD_METRICS, scoreByMetric } from './reward_metrics.ts'
import { openRewardModule } from './reward_module.ts'
import type { RewardSample } from './reward_sample.ts'
import { sampleName } from './reward_sample.ts'

export type { RewardSample }

export interface RewardFunction {
  /** What errors and logs call it. */
  readonly name: string
  /** One score per sample, in their order; the higher the better. */
  score(samples: readonly RewardSample[]): Promise<number[]>
  release(): Promise<void>
}

const metricNames = Object.keys(REWARD_METRICS) as (keyof typeof REWARD_METRICS)[]

export const rewardSourceSchema = z.union(
  [
    /** The folder of a reward model, a run or a checkpoint of one. */
    z.strictObject({ model: z.string().min(1) }),
    /** Against the best of a prompt's references, 0 … 1. */
    z.strictObject({ metric: z.enum(metricNames) }),
    /** A TypeScript or JavaScript file whose default export takes samples and gives their scores, or a promise of them. */
    z.strictObject({ function: z.string().min(1) }),
  ],
  {
    error: `it must say where scores come from, by one of {model: a reward model's folder}, {metric: one of ${metricNames.join(', ')}} and {function: a file}`,
  },
)

export type RewardSource = z.infer<typeof rewardSourceSchema>

/** The same source by an absolute path. */
export const located = (source: RewardSource): RewardSource => {
  if ('function' in source) return { function: resolve(source.function) }
  return 'model' in source ? { model: resolve(source.model) } : source
}

export interface RewardFunctionOptions {
  /** Of a reward model: responses that it reads together. */
  readonly batch?: number
  readonly provider?: Provider
  readonly threads?: number
}

/**
 * Opens a source of scores. Its scores are checked: there is one finite number per sample, or an error.
 *
 * @param source a function's path is relative to the working directory
 * @throws UserError where the source cannot be opened; scoring throws one where it fails, naming source and sample
 */
export async function openRewardFunction(
  source: RewardSource,
  options: RewardFunctionOptions = {},
): Promise<RewardFunction> {
  const opened = await openSource(source, options)
  return {
    ...opened,
    score: async (samples) => checkScores(opened.name, samples, await opened.score(samples)),
  }
}

async function openSource(source: RewardSource, options: RewardFunctionOptions): Promise<RewardFunction> {
  if ('function' in source) return openRewardModule(source.function)
  if ('metric' in source) {
    const { metric } = source
    return {
      name: `the metric ${metric}`,
      score: (samples) => Promise.resolve(samples.map((sample) => scoreByMetric(metric, sample))),
      release: () => Promise.resolve(),
    }
  }
  const scorer = await openScorer(source.model, options)
  return {
    name: `the reward model ${source.model}`,
    score: (samples) => scorer.score(samples),
    release: () => scorer.release(),
  }
}

/** @throws UserError unless there is a finite number for each sample */
function checkScores(name: string, samples: readonly RewardSample[], scores: unknown): number[] {
  if (!Array.isArray(scores) && !ArrayBuffer.isView(scores))
    throw new UserError(
      `${name} gave ${quote(scores)} for ${samples.length} samples; return a list of as many numbers`,
    )
  const list = Array.from(scores as ArrayLike<unknown>)
  if (list.length !== samples.length)
    throw new UserError(
      `${name} gave ${list.length === 1 ? 'one score' : `${list.length} scores`} for ${samples.length} samples, the first of them ${sampleName(samples[0]!)}; return one number for each`,
    )
  return list.map((score, i) => {
    if (typeof score === 'number' && Number.isFinite(score)) return score
    const given = typeof score === 'number' ? String(score) : quote(score)
    throw new UserError(
      `${name} gave ${given} for ${sampleName(samples[i]!)}; a score must be a finite number`,
    )
  })
}
