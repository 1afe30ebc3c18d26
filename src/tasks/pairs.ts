/**
 * What tasks share whose policy learns from pairs of answers. What is known of each answer is [pairs, 2], the preferred one's
 * (`chosen`) first and then the other's (`rejected`).
 * @module
 */
import type { Batch, Watch } from '../data/batches/batches.ts'
import { sequentialBatches } from '../data/batches/batches.ts'
import { pairRows } from '../data/batches/packing.ts'
import type { DataSet } from '../data/sets/data_set.ts'
import type { HostTensor } from '../runtime/session.ts'
import type { Figure } from './task.ts'

/** The pairs of a data set, in order. */
export const pairsInOrder = (dataset: DataSet, batchSize: number, watch?: Watch): Iterable<Batch> =>
  sequentialBatches(dataset, { batchSize, watch }, pairRows(dataset.lengths))

type OfAnswers<N extends string> = Readonly<Record<`${N}/${'chosen' | 'rejected'}`, number>>

/** Of an implicit reward r̂, under TRL's names. */
export type RewardsMetrics = OfAnswers<'rewards'> &
  Readonly<Record<'rewards/accuracies' | 'rewards/margins', number>>

/** Mean r̂ by answer; accuracies: share of the pairs with r̂₊ > r̂₋; margins: mean of r̂₊ − r̂₋. */
export function rewardsMetrics(rewards: readonly number[]): RewardsMetrics {
  const pairs = Array.from({ length: rewards.length / 2 }, (_, i) => [rewards[2 * i]!, rewards[2 * i + 1]!])
  return {
    ...byAnswer('rewards', rewards),
    'rewards/accuracies': mean(pairs.map(([chosen, rejected]) => Number(chosen! > rejected!))),
    'rewards/margins': mean(pairs.map(([chosen, rejected]) => chosen! - rejected!)),
  }
}

/** Weighted means over the preferred answers and over the others; by default all weigh alike. */
export function byAnswer<N extends string>(
  name: N,
  values: readonly number[],
  weights: readonly number[] = values.map(() => 1),
): OfAnswers<N> {
  const of = (answer: number) => {
    const own = (numbers: readonly number[]) => numbers.filter((_, i) => i % 2 === answer)
    return mean(own(values), own(weights))
  }
  return { [`${name}/chosen`]: of(0), [`${name}/rejected`]: of(1) } as OfAnswers<N>
}

/** Σ wᵢ·vᵢ / Σ wᵢ */
export function mean(values: readonly number[], weights: readonly number[] = values.map(() => 1)): number {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return values.reduce((sum, value, i) => sum + weights[i]! * value, 0) / total
}

/** The numbers of an output of batches, one after the other. */
export const numbersOf = (
  outputs: readonly Readonly<Record<string, HostTensor>>[],
  name: string,
): readonly number[] => outputs.flatMap((output) => Array.from(output[name]!.data as Float32Array))

/** The figures of an evaluation on pairs. */
export const pairFigures = ({
  examples,
  loss,
  metrics,
}: {
  readonly examples: number
  readonly loss: number
  readonly metrics: Readonly<Record<string, number>>
}): readonly Figure[] => [
  ['pairs', examples / 2, 0],
  ['loss', loss, 4],
  ...Object.entries(metrics).map(([name, value]) => [name, value, 4] as const),
]
