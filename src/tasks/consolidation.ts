/**
 * NPT's phase 3: plastic blocks learn to make a text's update, folded over its tokens, remember that text and nothing else
 * change.
 * @module
 */
import { consolidationEvaluationGraph, consolidationTrainingGraph } from '../../graphs/tasks/consolidation.ts'
import { nptShapes } from '../../graphs/models/npt_config.ts'
import type { DataSet } from '../data/sets/data_set.ts'
import type { Batch, Reading } from '../data/batches/batches.ts'
import { sequentialBatches } from '../data/batches/batches.ts'
import { collate, int64, totalLabelled } from '../data/batches/collate.ts'
import type { EncodedExample } from '../data/examples/encode.ts'
import { NO_LOSS } from '../data/examples/encode.ts'
import type { Feeds, HostTensor, Session, Tensors } from '../runtime/session.ts'
import type { Objective } from '../learning/gradient_descent.ts'
import { gradientDescent, summedOutputs } from '../learning/gradient_descent.ts'
import { asPlasticModel } from './language_model.ts'
import type { ConsolidationOptions, Fold } from './consolidation_task.ts'
import type { GraphRequest, TaskWork } from './task.ts'

type Sequences = Batch['sequences']

/**
 * The step's loss is a mean over its labelled tokens; each text is judged under the update of the step's next text as well, and
 * the last one under that of the first.
 *
 * @param data where a text that is alone in its step finds another one: the next row
 */
export const consolidationObjective = (fold: Fold, data: DataSet): Objective => ({
  weight: totalLabelled,
  feeds: (sequences, { total, first, rows, all }) => {
    if (sequences.length === all.length && all.length > 1) return collateTexts(sequences, total, fold)
    const alone = all.length === 1
    const next = alone ? neighbour(data, rows) : all[(first + sequences.length) % all.length]!
    return collateTexts(sequences, total, fold, next)
  },
  metrics: summedOutputs(['before', 'after', 'damage']),
})

/** The row that follows the last of these; after a data set's last one the first. */
const neighbour = (data: DataSet, rows: Batch['rows']): Sequences[number] => [
  data.row((rows.at(-1)!.at(-1)! + 1) % data.size),
]

/**
 * {@link collate}; fold_weights: float32 [batch, sequence], of each text summing to 1; others: int64 [batch], for each text the
 * row of the one after it, whose update is put on it.
 *
 * @param next what comes after the last text: a row more, of which nothing is learned; by default the first text
 */
export function collateTexts(
  sequences: Sequences,
  total: number,
  fold: Fold,
  next?: Sequences[number],
): Feeds {
  const rows = next ? [...sequences, next.map(withoutLoss)] : sequences
  const feeds = collate(rows, { total })
  const others = int64([rows.length])
  rows.forEach((_, b) => others.set(b, (b + 1) % rows.length))
  return { ...feeds, fold_weights: foldWeights(feeds['attention_mask']!, fold), others: others.tensor }
}

const withoutLoss = ({ input_ids }: EncodedExample): EncodedExample => ({
  input_ids,
  labels: input_ids.map(() => NO_LOSS),
})

/** Of the tokens 1 … n of a text: 1/n each (mean), 1 at the last alone, or t/Σt (weighted). */
export function foldWeights({ dims, data }: HostTensor, fold: Fold): HostTensor {
  const [batch, sequence] = dims as [number, number]
  const weights = new Float32Array(data.length)
  for (let b = 0; b < batch; b++) {
    const row = data.subarray(b * sequence, (b + 1) * sequence) as BigInt64Array
    const length = row.filter((number) => number > 0n).length
    for (let t = 0; t < length; t++) {
      const share = { mean: 1 / length, last: Number(t === length - 1), weighted: (t + 1) / sumTo(length) }
      weights[b * sequence + t] = share[fold]
    }
  }
  return { dtype: 'float32', dims, data: weights }
}

/** 1 + 2 + … + n */
const sumTo = (n: number): number => (n * (n + 1)) / 2

export interface ConsolidationEvaluation {
  readonly loss: number
  /** Mean negative log-likelihood per labelled token, without an update and under the text's own. */
  readonly before: number
  readonly after: number
  /** KL per labelled token under another text's update. */
  readonly damage: number
}

/** Runs the evaluation graph over every row, in order; each row's other text is the next one. */
export async function evaluateConsolidation(
  session: Session,
  parameters: Tensors,
  dataset: DataSet,
  { batchSize, watch, fold }: Reading & { readonly fold: Fold },
): Promise<ConsolidationEvaluation> {
  const sums = { loss: 0, before: 0, after: 0, damage: 0 }
  let total = 0
  for (const { sequences, rows } of sequentialBatches(dataset, { batchSize, watch })) {
    const labelled = totalLabelled(sequences.flat())
    if (labelled === 0) continue
    const outputs = await session.run({
      ...collateTexts(sequences, labelled, fold, neighbour(dataset, rows)),
      ...parameters,
    })
    for (const name of ['loss', 'before', 'after', 'damage'] as const)
      sums[name] += labelled * Number(outputs[name]!.data[0])
    total += labelled
  }
  return {
    loss: sums.loss / total,
    before: sums.before / total,
    after: sums.after / total,
    damage: sums.damage / total,
  }
}

const graphTask = (request: GraphRequest, given: ConsolidationOptions) => ({
  ...asPlasticModel(request, 'consolidation'),
  ...given,
})

export const consolidationWork: TaskWork<
  ConsolidationOptions,
  ConsolidationOptions,
  ConsolidationEvaluation
> = {
  graphs(request, given) {
    const task = graphTask(request, given)
    return {
      trainable: () => nptShapes(task.config, task.npt),
      training: () => consolidationTrainingGraph(task),
      evaluation: () => consolidationEvaluationGraph(task),
    }
  },
  train(run) {
    const { fold } = run.options
    return gradientDescent({
      ...run,
      options: run.settings,
      objective: consolidationObjective(fold, run.trainData),
      async evaluate(parameters, watch) {
        const settings = { batchSize: run.settings.per_device_eval_batch_size, watch, fold }
        const { loss } = await evaluateConsolidation(run.evaluation, parameters, run.validationData, settings)
        return { eval_loss: loss }
      },
    })
  },
  evaluation: {
    async find(model, data, { settings, options }) {
      return model.withGraph(
        (request) => consolidationEvaluationGraph(graphTask(request, options)),
        async (session, parameters) => {
          const { fold } = options
          const batchSize = settings.per_device_eval_batch_size
          return evaluateConsolidation(session, parameters, data, { batchSize, fold })
        },
      )
    },
    figures: ({ examples, loss, before, after, damage }) => [
      ['examples', examples, 0],
      ['loss', loss, 4],
      ['nats per token, as it was', before, 4],
      ["nats per token under a text's own update", after, 4],
      ["KL per token under another text's update", damage, 4],
    ],
  },
}
