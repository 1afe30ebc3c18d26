/**
 * Sequence classification as a supervised task: the mean cross-entropy of the examples' classes.
 * @module
 */
import type { Pooling } from '../../graphs/layers/pooling.ts'
import type { ArrowDataset } from '../data/arrow_reader.ts'
import { sequentialBatches } from '../data/batches.ts'
import { collateTokens, int64 } from '../data/collate.ts'
import type { EncodedExample } from '../data/encode.ts'
import type { ClassificationReport } from '../metrics/classification.ts'
import { classificationReport } from '../metrics/classification.ts'
import { createRandom } from '../random.ts'
import type { Feeds, HostTensor, Session } from '../runtime/session.ts'
import type { Objective } from './supervised.ts'

export interface ClassificationSettings {
  readonly pooling: Pooling
  /** Probability of dropping a pooled feature while training. */
  readonly dropout: number
  /** Width of the pooled vector, n_embd. */
  readonly width: number
  readonly seed: number
}

/**
 * The step's loss is a mean over all its examples. Each example of each step draws its own dropout mask from the seed, so
 * that neither micro-batches nor a resumed run change it.
 */
export const classificationObjective = (settings: ClassificationSettings): Objective => ({
  weight: (examples) => examples.length,
  feeds: (sequences, { total, step, first }) => {
    const feeds = collateClasses(sequences, settings.pooling, total)
    return settings.dropout === 0
      ? feeds
      : { ...feeds, dropout_mask: dropoutMask(sequences.length, settings, step, first) }
  },
})

/**
 * input_ids, attention_mask, position_ids: int64 [batch, sequence]; labels: int64 [batch]; label_weights: float32 [batch],
 * each 1/total; with pooling `last` pool_positions: int64 [batch], the flat index of each last token.
 */
export function collateClasses(
  sequences: readonly (readonly EncodedExample[])[],
  pooling: Pooling,
  total: number,
): Feeds {
  const { feeds, sequence } = collateTokens(sequences)
  const examples = sequences.map(([example]) => example!)
  const batch = examples.length
  const labels = int64([batch])
  const last = int64([batch])
  examples.forEach((example, b) => {
    labels.set(b, example.labels[0]!)
    last.set(b, b * sequence + example.input_ids.length - 1)
  })
  return {
    ...feeds,
    ...(pooling === 'last' ? { pool_positions: last.tensor } : {}),
    labels: labels.tensor,
    label_weights: { dtype: 'float32', dims: [batch], data: new Float32Array(batch).fill(1 / total) },
  }
}

/** 0 with probability p, else 1/(1 − p) (Srivastava et al.: Dropout, 2014, scaled while training). */
function dropoutMask(
  batch: number,
  { dropout, width, seed }: ClassificationSettings,
  step: number,
  first: number,
): HostTensor {
  const data = new Float32Array(batch * width)
  for (let b = 0; b < batch; b++) {
    const random = createRandom(seed, 'dropout', step, first + b)
    for (let i = 0; i < width; i++) data[b * width + i] = random.uniform() < dropout ? 0 : 1 / (1 - dropout)
  }
  return { dtype: 'float32', dims: [batch, width], data }
}

export interface ClassificationEvaluation {
  /** Mean cross-entropy per example, in nats. */
  readonly loss: number
  readonly report: ClassificationReport
}

/** Runs the evaluation graph over every row, in order; the class with the highest logit is the prediction. */
export async function evaluateClassification(
  session: Session,
  parameters: Feeds,
  dataset: ArrowDataset,
  { batchSize, pooling }: { readonly batchSize: number; readonly pooling: Pooling },
): Promise<ClassificationEvaluation> {
  const { classes } = dataset
  const actual: number[] = []
  const predicted: number[] = []
  let sum = 0
  for (const { sequences } of sequentialBatches(dataset, { batchSize })) {
    const { loss, logits } = await session.run({
      ...collateClasses(sequences, pooling, sequences.length),
      ...parameters,
    })
    sum += sequences.length * (loss!.data[0] as number)
    sequences.forEach(([example], b) => {
      const row = logits!.data.subarray(b * classes.length, (b + 1) * classes.length) as Float32Array
      actual.push(example!.labels[0]!)
      predicted.push(row.indexOf(Math.max(...row)))
    })
  }
  return { loss: sum / actual.length, report: classificationReport(actual, predicted, classes) }
}
