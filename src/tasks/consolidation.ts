/**
 * NPT's phase 3: plastic blocks learn to make a text's update, folded over its tokens, remember that text and nothing else
 * change.
 * @module
 */
import type { ArrowDataset } from '../data/sets/arrow_reader.ts'
import { sequentialBatches } from '../data/batches/batches.ts'
import { collate, int64, totalLabelled } from '../data/batches/collate.ts'
import type { EncodedExample } from '../data/examples/encode.ts'
import type { FOLDS } from '../formats/manifest.ts'
import type { Feeds, HostTensor, Session } from '../runtime/session.ts'
import type { Objective } from '../learning/gradient_descent.ts'
import { summedOutputs } from '../learning/gradient_descent.ts'

/** How a text's tokens are weighed: all alike, the last alone, or the later the more. */
export type Fold = (typeof FOLDS)[number]

/** The step's loss is a mean over its labelled tokens; each text is judged under its neighbour's update as well. */
export const consolidationObjective = (fold: Fold): Objective => ({
  weight: totalLabelled,
  feeds: (sequences, { total }) => collateTexts(sequences, total, fold),
  metrics: summedOutputs(['before', 'after', 'damage']),
})

/** {@link collate}; fold_weights: float32 [batch, sequence], of each text summing to 1; others: int64 [batch]. */
export function collateTexts(
  sequences: readonly (readonly EncodedExample[])[],
  total: number,
  fold: Fold,
): Feeds {
  const feeds = collate(sequences, { total })
  const others = int64([sequences.length])
  sequences.forEach((_, b) => others.set(b, (b + 1) % sequences.length))
  return { ...feeds, fold_weights: foldWeights(feeds['attention_mask']!, fold), others: others.tensor }
}

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

/** Runs the evaluation graph over every row, in order. A last batch of one text has no other, and counts as its own. */
export async function evaluateConsolidation(
  session: Session,
  parameters: Feeds,
  dataset: ArrowDataset,
  { batchSize, fold }: { readonly batchSize: number; readonly fold: Fold },
): Promise<ConsolidationEvaluation> {
  const sums = { loss: 0, before: 0, after: 0, damage: 0 }
  let total = 0
  for (const { sequences } of sequentialBatches(dataset, { batchSize })) {
    const labelled = totalLabelled(sequences.flat())
    if (labelled === 0) continue
    const outputs = await session.run({ ...collateTexts(sequences, labelled, fold), ...parameters })
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
