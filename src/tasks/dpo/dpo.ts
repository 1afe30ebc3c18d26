/**
 * Direct preference optimization, top to bottom. Rafailov et al.: Direct Preference Optimization: Your Language Model is
 * Secretly a Reward Model (2023).
 *
 * A policy π that has learned from a reward model r, held to a reference π_ref by KL, is known in closed form, and so r is
 * known from π (their eq. 5, but for a term of the prompt x alone, which the difference of a pair's answers is rid of):
 *
 *     r̂(x, y) = β·log(π(y | x) / π_ref(y | x)),   log π(y | x) = Σ over the answer's tokens of log π(token | before)
 *
 * Put into the loss of reward modelling this trains the policy itself, with no reward model and no sampling (eq. 7):
 *
 *     L = mean over pairs of −log σ(r̂(x, y₊) − r̂(x, y₋))
 *
 * The other losses of the difference are in `graphs/losses/dpo.ts`. Only π moves; log π_ref(y | x) is an input.
 * @module
 */
import type { DataSet } from '../../data/sets/data_set.ts'
import type { Batch, Watch } from '../../data/batches/batches.ts'
import { collatePairs } from '../../data/batches/collate_pairs.ts'
import { countLabelled } from '../../data/examples/encode.ts'
import { adaptersOff } from '../../runtime/feeds.ts'
import type { HostTensor, Session, Tensors } from '../../runtime/session.ts'
import type { Objective } from '../../learning/gradient_descent.ts'
import { byAnswer, numbersOf, pairsInOrder, rewardsMetrics } from '../pairs.ts'
import type { RewardsMetrics } from '../pairs.ts'

type Sequences = Batch['sequences']

/**
 * log π_ref of the answers of pairs: float32 [pairs, 2], the preferred one's first.
 *
 * @param rows where the pairs lie in their data set
 */
export type Reference = (pairs: Sequences, rows: Batch['rows']) => HostTensor | Promise<HostTensor>

/** The reference that training with adapters starts from: the same session with the adapters turned off. */
export const withoutAdapters =
  (evaluation: Session, parameters: Tensors): Reference =>
  (pairs) =>
    logProbabilities(evaluation, adaptersOff(parameters), pairs)

/**
 * A reference that was measured before.
 *
 * @param logps of the rows of a data set, see {@link measureReference}
 */
export const measured =
  (logps: Float32Array): Reference =>
  (pairs, rows) => ({
    dtype: 'float32',
    dims: [pairs.length, 2],
    data: Float32Array.from(rows.flat(), (row) => logps[row]!),
  })

/**
 * log π_ref of every answer of a data set, by its row.
 *
 * @param parameters of the reference, as inputs of the evaluation graph
 */
export async function measureReference(
  evaluation: Session,
  parameters: Tensors,
  dataset: DataSet,
  { batchSize, onPairs }: { readonly batchSize: number; readonly onPairs?: (pairs: number) => void },
): Promise<Float32Array> {
  const logps = new Float32Array(dataset.size)
  for (const { sequences, rows } of pairsInOrder(dataset, batchSize)) {
    const { data } = await logProbabilities(evaluation, parameters, sequences)
    logps.set(data as Float32Array, rows[0]![0])
    onPairs?.(sequences.length)
  }
  return logps
}

async function logProbabilities(
  session: Session,
  parameters: Tensors,
  pairs: Sequences,
): Promise<HostTensor> {
  const { logps } = await session.run(
    {
      ...collatePairs(pairs, { total: pairs.length }),
      reference_logps: perAnswer(pairs.length),
      ...parameters,
    },
    { outputs: ['logps'] },
  )
  return logps!
}

/** The step's loss is a mean over all its pairs. */
export const dpoObjective = (reference: Reference): Objective => ({
  weight: (examples) => examples.length / 2,
  feeds: async (pairs, { total, rows }) => ({
    ...collatePairs(pairs, { total }),
    reference_logps: await reference(pairs, rows),
  }),
  metrics: (outputs, { sequences }) => dpoMetrics(outputs, sequences),
})

/** Zeros for the answers of pairs, [pairs, 2]. */
const perAnswer = (pairs: number): HostTensor => ({
  dtype: 'float32',
  dims: [pairs, 2],
  data: new Float32Array(2 * pairs),
})

/** Under TRL's names. */
export type DpoMetrics = RewardsMetrics &
  Readonly<Record<`${'logps' | 'logits'}/${'chosen' | 'rejected'}`, number>>

/**
 * What is logged of pairs: {@link rewardsMetrics} of r̂, and of the preferred answers (`chosen`) and the others (`rejected`)
 * logps: mean log π(y | x); logits: mean over all entries of the vocabulary at all tokens of the answers.
 *
 * @param outputs `rewards`, `logps`, `logits` of the pairs, [pairs, 2], in one or more parts
 */
export function dpoMetrics(
  outputs: readonly Readonly<Record<string, HostTensor>>[],
  pairs: Sequences,
): DpoMetrics {
  return {
    ...rewardsMetrics(numbersOf(outputs, 'rewards')),
    ...byAnswer('logps', numbersOf(outputs, 'logps')),
    ...byAnswer('logits', numbersOf(outputs, 'logits'), pairs.flat().map(countLabelled)),
  }
}

export interface DpoEvaluation {
  /** Mean per pair. */
  readonly loss: number
  readonly metrics: DpoMetrics
}

/**
 * Runs the evaluation graph over every pair, in order.
 *
 * @param batchSize pairs that are run together
 */
export async function evaluateDpo(
  session: Session,
  parameters: Tensors,
  dataset: DataSet,
  reference: Reference,
  batchSize: number,
  watch?: Watch,
): Promise<DpoEvaluation> {
  const outputs: Record<string, HostTensor>[] = []
  const pairs: Sequences[number][] = []
  let sum = 0
  for (const { sequences, rows } of pairsInOrder(dataset, batchSize, watch)) {
    const reference_logps = await reference(sequences, rows)
    const output = await session.run({
      ...collatePairs(sequences, { total: sequences.length }),
      reference_logps,
      ...parameters,
    })
    sum += sequences.length * (output['loss']!.data[0] as number)
    outputs.push(output)
    pairs.push(...sequences)
  }
  return { loss: sum / pairs.length, metrics: dpoMetrics(outputs, pairs) }
}
