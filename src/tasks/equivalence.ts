/**
 * NPT's phase 1: plastic blocks learn to do what the model's own blocks do, on every token of the data.
 * @module
 */
import { z } from 'zod'

import {
  equivalenceEvaluationGraph,
  equivalenceShapes,
  equivalenceTrainingGraph,
} from '../../graphs/tasks/equivalence.ts'
import type { DataSet } from '../data/sets/data_set.ts'
import { sequentialBatches } from '../data/batches/batches.ts'
import { collateTokens } from '../data/batches/collate.ts'
import type { EncodedExample } from '../data/examples/encode.ts'
import type { Feeds, HostTensor, Session } from '../runtime/session.ts'
import type { Objective } from '../learning/gradient_descent.ts'
import { gradientDescent } from '../learning/gradient_descent.ts'
import { asPlasticModel } from './language_model.ts'
import type { NptEvaluation } from './npt_evaluation.ts'
import { blockTable, evaluateNpt, pairedTexts } from './npt_evaluation.ts'
import type { GraphRequest, Task } from './task.ts'
import { summedOutputs } from '../learning/gradient_descent.ts'

/** The step's loss is a mean over all its tokens, however it is cut into micro-batches. */
export const equivalenceObjective: Objective = {
  weight: (examples) => examples.reduce((sum, { input_ids }) => sum + input_ids.length, 0),
  feeds: (sequences, { total }) => collateWeighted(sequences, total),
  metrics: summedOutputs(['equivalence', 'low_magnitude', 'distillation']),
}

/** {@link collateTokens}, and token_weights: float32 [batch, sequence], 1/total at tokens and 0 at padding. */
function collateWeighted(sequences: readonly (readonly EncodedExample[])[], total: number): Feeds {
  const { feeds } = collateTokens(sequences)
  const { dims, data } = feeds['attention_mask']!
  const weights = Float32Array.from(data as BigInt64Array, (number) => (number > 0n ? 1 / total : 0))
  return { ...feeds, token_weights: { dtype: 'float32', dims, data: weights } }
}

export interface EquivalenceEvaluation {
  readonly loss: number
  /** Mean over the tokens, by plastic block: squared error per feature, cosine of the outputs. */
  readonly mse: readonly number[]
  readonly cosine: readonly number[]
  /** (‖A‖_F + ‖B‖_F)/2 by plastic block. */
  readonly magnitude: readonly number[]
  /** KL(teacher‖student) per token in nats, where the loss has it. */
  readonly distillation: number | null
  /** ‖ΔW‖_F of every token, by plastic block. */
  readonly updateNorms: readonly Float32Array[]
}

/** Runs the evaluation graph over every row, in order. */
export async function evaluateEquivalence(
  session: Session,
  parameters: Feeds,
  dataset: DataSet,
  batchSize: number,
): Promise<EquivalenceEvaluation> {
  const total = dataset.lengths.reduce((sum, length) => sum + length, 0)
  const sums: Record<string, number[]> = {}
  const norms: number[][] = []
  for (const { sequences } of sequentialBatches(dataset, { batchSize })) {
    const feeds = collateWeighted(sequences, total)
    const { update_norms, ...terms } = await session.run({ ...feeds, ...parameters })
    for (const [name, { data }] of Object.entries(terms)) {
      const before = sums[name] ?? new Array<number>(data.length).fill(0)
      sums[name] = before.map((value, i) => value + Number(data[i]))
    }
    collectNorms(norms, update_norms!, feeds['token_weights']!.data as Float32Array)
  }
  return {
    loss: sums['loss']![0]!,
    mse: sums['equivalence']!,
    cosine: sums['cosine']!,
    magnitude: sums['low_magnitude']!,
    distillation: sums['distillation']?.[0] ?? null,
    updateNorms: norms.map((values) => Float32Array.from(values)),
  }
}

/** Adds a batch's norms [plastic blocks, batch*sequence], but those of padding. */
function collectNorms(norms: number[][], { dims, data }: HostTensor, weights: Float32Array): void {
  const [blocks, tokens] = dims as [number, number]
  for (let block = 0; block < blocks; block++) {
    const values = (norms[block] ??= [])
    for (let token = 0; token < tokens; token++)
      if (weights[token]! > 0) values.push(data[block * tokens + token] as number)
  }
}

/** How plastic blocks learn to do what the model's own blocks do. */
const options = z.strictObject({
  hidden_states: z
    .enum(['teacher', 'student'])
    .default('teacher')
    .describe(
      'What a plastic block is given: the hidden states of the model as it was, or those that plastic blocks before it make.',
    ),
  equivalence_weight: z
    .number()
    .min(0)
    .default(1)
    .describe("Weight of the squared difference of the blocks' outputs."),
  low_magnitude_weight: z
    .number()
    .min(0)
    .default(0.01)
    .describe("Weight of the blocks' own magnitude, which keeps updates small."),
  distillation_weight: z
    .number()
    .min(0)
    .default(0)
    .describe(
      "Weight of the divergence of the next token's distribution; with the student's hidden states only.",
    ),
})

export type EquivalenceOptions = z.infer<typeof options>

const graphTask = (request: GraphRequest, given: EquivalenceOptions) => ({
  ...asPlasticModel(request, 'equivalence'),
  ...given,
})

export const equivalence: Task<EquivalenceOptions, EquivalenceOptions, NptEvaluation> = {
  summary: "NPT phase 1: plastic blocks learn to do what the model's own blocks do",
  options,
  graphOptions: options,
  learnsFrom: 'sft',
  head: 'language',
  metrics: [],
  refuses: { plasticBlocks: 'needed' },
  graphs(request, given) {
    const task = graphTask(request, given)
    return {
      trainable: () => equivalenceShapes(task),
      training: () => equivalenceTrainingGraph(task),
      evaluation: () => equivalenceEvaluationGraph(task),
    }
  },
  train: (run) =>
    gradientDescent({
      ...run,
      options: run.settings,
      objective: equivalenceObjective,
      async evaluate(parameters) {
        const { per_device_eval_batch_size: size } = run.settings
        const { loss } = await evaluateEquivalence(run.evaluation, parameters, run.validationData, size)
        return { eval_loss: loss }
      },
    }),
  evaluation: {
    find: (model, data, { settings, options }) =>
      evaluateNpt(model, data, settings.per_device_eval_batch_size, (request) =>
        equivalenceEvaluationGraph(graphTask(request, options)),
      ),
    figures: ({ examples, loss, perplexity, basePerplexity, ratio }) => [
      ['examples', examples, 0],
      ['loss', loss, 4],
      ['perplexity per token', perplexity, 3],
      ['perplexity of the model as it was', basePerplexity, 3],
      ['ratio of the two', ratio, 4],
    ],
    details: ({ blocks, samples }, name) => [blockTable(name, blocks), ...pairedTexts(samples)],
    picture: async ({ blocks }, title) =>
      (await import('./npt_picture.ts')).plasticBlocksPicture(blocks, title),
  },
}
