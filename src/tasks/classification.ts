/**
 * Sequence classification as a supervised task: the mean cross-entropy of the examples' classes.
 * @module
 */
import type { ArrowDataset } from '../data/sets/arrow_reader.ts'
import { sequentialBatches } from '../data/batches/batches.ts'
import { int64 } from '../data/batches/collate.ts'
import type { EncoderTokens } from '../data/batches/collate_encoder.ts'
import { collateEncoder } from '../data/batches/collate_encoder.ts'
import type { EncodedExample } from '../data/examples/encode.ts'
import type { ClassificationReport } from '../metrics/classification.ts'
import { classificationReport } from '../metrics/classification.ts'
import type { Feeds, Session } from '../runtime/session.ts'
import type { Dropout } from '../learning/dropout.ts'
import { dropoutMask } from '../learning/dropout.ts'
import type { Objective } from '../learning/gradient_descent.ts'

export interface ClassificationSettings extends EncoderTokens, Dropout {}

/** The step's loss is a mean over all its examples; each example of each step draws its own dropout mask. */
export const classificationObjective = (settings: ClassificationSettings): Objective => ({
  weight: (examples) => examples.length,
  feeds: (sequences, { total, step, first }) => {
    const feeds = collateClasses(sequences, settings, total)
    return settings.dropout === 0
      ? feeds
      : { ...feeds, dropout_mask: dropoutMask(sequences.length, settings, step, first) }
  },
})

/** The encoder's inputs; labels: int64 [batch]; label_weights: float32 [batch], each 1/total. */
export function collateClasses(
  sequences: readonly (readonly EncodedExample[])[],
  tokens: EncoderTokens,
  total: number,
): Feeds {
  const examples = sequences.map(([example]) => example!)
  const batch = examples.length
  const labels = int64([batch])
  examples.forEach((example, b) => labels.set(b, example.labels[0]!))
  return {
    ...collateEncoder(examples, tokens),
    labels: labels.tensor,
    label_weights: { dtype: 'float32', dims: [batch], data: new Float32Array(batch).fill(1 / total) },
  }
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
  { batchSize, ...tokens }: EncoderTokens & { readonly batchSize: number },
): Promise<ClassificationEvaluation> {
  const { classes } = dataset
  const actual: number[] = []
  const predicted: number[] = []
  let sum = 0
  for (const { sequences } of sequentialBatches(dataset, { batchSize })) {
    const { loss, logits } = await session.run({
      ...collateClasses(sequences, tokens, sequences.length),
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
