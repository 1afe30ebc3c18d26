/**
 * Tasks whose policy learns from pairs of answers without a reference, as ORPO and SimPO do: their loss is of the policy's mean
 * log-probabilities per token, ℓ = log π(y | x) / |y|, and of the likelihood of the chosen answers; their implicit reward is β·ℓ.
 * @module
 */
import type { Graph } from '../../graphs/ir/graph.ts'
import { languageModelTrainable } from '../../graphs/models/language_model.ts'
import type { Watch } from '../data/batches/batches.ts'
import type { LikelihoodOf } from '../data/batches/collate_likelihoods.ts'
import { collateLikelihoods, totalOfPairs } from '../data/batches/collate_likelihoods.ts'
import type { DataSet } from '../data/sets/data_set.ts'
import type { Objective } from '../learning/gradient_descent.ts'
import { gradientDescent } from '../learning/gradient_descent.ts'
import type { HostTensor, Session, Tensors } from '../runtime/session.ts'
import { forEvaluation } from './evaluation_metrics.ts'
import { asLanguageModel } from './language_model.ts'
import type { RewardsMetrics } from './pairs.ts'
import { byAnswer, mean, numbersOf, pairFigures, pairsInOrder, rewardsMetrics } from './pairs.ts'
import type { GraphRequest, TaskWork } from './task.ts'

/** How a loss takes pairs, and what it says of them. */
export interface ReferenceFree<Names extends string = never> {
  /** What of the chosen sequences is learned by likelihood. */
  readonly likelihoodOf: LikelihoodOf
  /** Outputs of each pair, [pairs], whose means are logged. */
  readonly perPair: readonly Names[]
}

/** Under TRL's names. */
export type ReferenceFreeMetrics<Names extends string = never> = RewardsMetrics &
  Readonly<Record<'logps/chosen' | 'logps/rejected' | 'nll_loss' | Names, number>>

export interface ReferenceFreeEvaluation<Names extends string = never> {
  /** As of one batch of all the pairs. */
  readonly loss: number
  readonly metrics: ReferenceFreeMetrics<Names>
}

type Outputs = readonly Readonly<Record<string, HostTensor>>[]

/** Means over the pairs and over the tokens of the whole step, however it is cut into micro-batches. */
export const referenceFreeObjective = (learns: ReferenceFree<string>): Objective => ({
  weight: (examples) => examples.length / 2,
  feeds: (pairs, { all }) =>
    collateLikelihoods(pairs, totalOfPairs(all, learns.likelihoodOf), learns.likelihoodOf),
  metrics: (outputs) => referenceFreeMetrics(outputs, learns),
})

/**
 * What is logged of pairs: {@link rewardsMetrics} of β·ℓ; logps: mean ℓ of the preferred answers (`chosen`) and of the others
 * (`rejected`); nll_loss: the negative log-likelihood per token that is learned; and the means of what the loss says of each pair.
 *
 * @param outputs of the graph, in one or more parts, whose weights are of all of them
 */
export function referenceFreeMetrics<Names extends string>(
  outputs: Outputs,
  { perPair }: ReferenceFree<Names>,
): ReferenceFreeMetrics<Names> {
  const means = Object.fromEntries(perPair.map((name) => [name, mean(numbersOf(outputs, name))]))
  return {
    ...rewardsMetrics(numbersOf(outputs, 'rewards')),
    ...byAnswer('logps', numbersOf(outputs, 'logps')),
    nll_loss: sum(numbersOf(outputs, 'nll_loss')),
    ...(means as Record<Names, number>),
  }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

/**
 * Runs the evaluation graph over every pair, in order.
 *
 * @param batchSize pairs that are run together
 */
export async function evaluateReferenceFree<Names extends string>(
  session: Session,
  parameters: Tensors,
  dataset: DataSet,
  learns: ReferenceFree<Names>,
  batchSize: number,
  watch?: Watch,
): Promise<ReferenceFreeEvaluation<Names>> {
  const { likelihoodOf } = learns
  const totals = totalOfPairs(allPairs(dataset), likelihoodOf)
  const outputs: Record<string, HostTensor>[] = []
  for (const { sequences } of pairsInOrder(dataset, batchSize, watch))
    outputs.push(await session.run({ ...collateLikelihoods(sequences, totals, likelihoodOf), ...parameters }))
  return { loss: sum(numbersOf(outputs, 'loss')), metrics: referenceFreeMetrics(outputs, learns) }
}

function* allPairs(dataset: DataSet) {
  for (const { sequences } of pairsInOrder(dataset, 1)) yield* sequences
}

/** The graphs of a task without a reference. */
export interface ReferenceFreeGraphs<Options> {
  readonly training: (request: GraphRequest, options: Options) => Graph
  readonly evaluation: (request: GraphRequest, options: Options) => Graph
}

export const referenceFreeWork = <Options extends object, Names extends string>(
  learns: ReferenceFree<Names>,
  { training, evaluation }: ReferenceFreeGraphs<Options>,
): TaskWork<Options, Options, ReferenceFreeEvaluation<Names>> => ({
  graphs(request, given) {
    const model = asLanguageModel(request)
    return {
      trainable: () => languageModelTrainable(model),
      training: () => training(model, given),
      evaluation: () => evaluation(model, given),
    }
  },
  train: (run) =>
    gradientDescent({
      ...run,
      options: run.settings,
      objective: referenceFreeObjective(learns),
      async evaluate(parameters, watch) {
        const { per_device_eval_batch_size: size } = run.settings
        const data = run.validationData
        const found = await evaluateReferenceFree(run.evaluation, parameters, data, learns, size, watch)
        return { eval_loss: found.loss, ...forEvaluation(found.metrics) }
      },
    }),
  evaluation: {
    async find(model, data, run) {
      return model.withGraph(
        (request) => evaluation(asLanguageModel(request), run.options),
        async (session, parameters) => {
          const { per_device_eval_batch_size: size } = run.settings
          return evaluateReferenceFree(session, parameters, data, learns, size)
        },
      )
    },
    figures: pairFigures,
  },
})
