/**
 * Sequence classification: the mean cross-entropy of the examples' classes.
 * @module
 */
import {
  classificationEvaluationGraph,
  classificationShapes,
  classificationTrainingGraph,
} from '../../graphs/tasks/classification.ts'
import type { Head } from '../../graphs/models/head.ts'
import { headOutputs } from '../../graphs/models/head.ts'
import type { DataSet } from '../data/sets/data_set.ts'
import type { Reading } from '../data/batches/batches.ts'
import { sequentialBatches } from '../data/batches/batches.ts'
import { int64 } from '../data/batches/collate.ts'
import type { EncoderTokens } from '../data/batches/collate_encoder.ts'
import { collateEncoder } from '../data/batches/collate_encoder.ts'
import type { EncodedExample } from '../data/examples/encode.ts'
import type { ClassificationReport } from '../metrics/classification.ts'
import { classificationReport } from '../metrics/classification.ts'
import type { Feeds, Session, Tensors } from '../runtime/session.ts'
import type { Dropout } from '../learning/dropout.ts'
import { dropoutMask } from '../learning/dropout.ts'
import type { Objective } from '../learning/gradient_descent.ts'
import { gradientDescent } from '../learning/gradient_descent.ts'
import { classTables } from '../metrics/classification_tables.ts'
import type { ClassificationOptions } from './classification_task.ts'
import { disturbed } from './noise_options.ts'
import { encoderSettings, pooledHead } from './pooled_head.ts'
import type { GraphRequest, TaskWork } from './task.ts'

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
  parameters: Tensors,
  dataset: DataSet,
  { batchSize, watch, ...tokens }: EncoderTokens & Reading,
): Promise<ClassificationEvaluation> {
  const { classes } = dataset
  const actual: number[] = []
  const predicted: number[] = []
  let sum = 0
  for (const { sequences } of sequentialBatches(dataset, { batchSize, watch })) {
    const { loss, logits } = await session.run({
      ...collateClasses(sequences, tokens, sequences.length),
      ...parameters,
    })
    sum += sequences.length * (loss!.data[0] as number)
    sequences.forEach(([example], b) => {
      const row = logits!.data.subarray(b * classes.length, (b + 1) * classes.length) as Float32Array
      actual.push(example!.labels[0]!)
      // Where logits are no numbers none is the highest, and the loss is none either.
      predicted.push(Math.max(0, row.indexOf(Math.max(...row))))
    })
  }
  return { loss: sum / actual.length, report: classificationReport(actual, predicted, classes) }
}

const graphTask = (request: GraphRequest, head: Head) => {
  const pooled = pooledHead(head)
  return { ...request, ...pooled, classes: headOutputs(pooled) }
}

export const classificationWork: TaskWork<
  ClassificationOptions,
  ClassificationOptions,
  ClassificationEvaluation
> = {
  graphs(request, options, head) {
    const task = graphTask(request, head)
    return {
      trainable: () => classificationShapes(task),
      training: () =>
        classificationTrainingGraph({
          ...disturbed(task, options),
          label_smoothing_factor: options.label_smoothing_factor,
        }),
      evaluation: () => classificationEvaluationGraph(task),
    }
  },
  train(run) {
    const settings = encoderSettings(run)
    return gradientDescent({
      ...run,
      options: run.settings,
      objective: classificationObjective(settings),
      async evaluate(parameters, watch) {
        const given = { batchSize: run.settings.per_device_eval_batch_size, watch, ...settings }
        const { loss, report } = await evaluateClassification(
          run.evaluation,
          parameters,
          run.validationData,
          given,
        )
        return { eval_loss: loss, eval_accuracy: report.accuracy, eval_macro_f1: report.macro.f1 }
      },
    })
  },
  evaluation: {
    async find(model, data, run) {
      return model.withGraph(
        (request) => classificationEvaluationGraph(graphTask(request, run.head)),
        async (session, parameters) => {
          const batchSize = run.settings.per_device_eval_batch_size
          return evaluateClassification(session, parameters, data, {
            batchSize,
            ...encoderSettings(run),
          })
        },
      )
    },
    figures({ examples, loss, report: { accuracy, majority, macro, weighted } }) {
      return [
        ['examples', examples, 0],
        ['loss', loss, 4],
        ['accuracy', accuracy, 4],
        ['accuracy of the majority class', majority, 4],
        ['macro F1', macro.f1, 4],
        ['macro precision', macro.precision, 4],
        ['macro recall', macro.recall, 4],
        ['weighted F1', weighted.f1, 4],
      ]
    },
    details: ({ report }, name) => [classTables(name, report)],
  },
}
