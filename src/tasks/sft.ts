/**
 * Supervised fine-tuning: the mean negative log-likelihood of the labelled tokens.
 * @module
 */
import { z } from 'zod'

import { sftEvaluationGraph, sftTrainingGraph } from '../../graphs/tasks/sft.ts'
import { languageModelTrainable } from '../../graphs/models/language_model.ts'
import type { DataSet } from '../data/sets/data_set.ts'
import type { Watch } from '../data/batches/batches.ts'
import { sequentialBatches } from '../data/batches/batches.ts'
import { collate, totalLabelled } from '../data/batches/collate.ts'
import type { Session, Tensors } from '../runtime/session.ts'
import { NO_LOSS } from '../data/examples/encode.ts'
import type { Objective } from '../learning/gradient_descent.ts'
import { gradientDescent } from '../learning/gradient_descent.ts'
import { countWords, perplexity as perplexityOf } from '../metrics/perplexity.ts'
import type { Tokenizer } from '../text/tokenizer.ts'
import { labelSmoothing } from './label_smoothing.ts'
import { asLanguageModel } from './language_model.ts'
import { disturbed, dropoutOption, neftuneOption } from './noise_options.ts'
import type { Task, TaskWork } from './task.ts'

/** The step's loss is a mean over all its labelled tokens, however it is cut into micro-batches. */
export const sftObjective: Objective = {
  weight: totalLabelled,
  feeds: (sequences, { total }) => collate(sequences, { total }),
}

export interface SftEvaluation {
  /** Mean negative log-likelihood per labelled token, in nats. */
  readonly loss: number
  /** exp(loss). */
  readonly perplexity: number
  readonly labelledTokens: number
}

/**
 * Runs the evaluation graph over every row, in order.
 *
 * @param parameters the trainable tensors, and `lora_scale` where the graph has it
 */
export async function evaluateSft(
  session: Session,
  parameters: Tensors,
  dataset: DataSet,
  batchSize: number,
  watch?: Watch,
): Promise<SftEvaluation> {
  let sum = 0
  let labelledTokens = 0
  for (const { sequences } of sequentialBatches(dataset, { batchSize, watch })) {
    const labelled = totalLabelled(sequences.flat())
    if (labelled === 0) continue
    const { loss } = await session.run(
      { ...collate(sequences, { total: labelled }), ...parameters },
      { outputs: ['loss'] },
    )
    sum += labelled * (loss!.data[0] as number)
    labelledTokens += labelled
  }
  const loss = sum / labelledTokens
  return { loss, perplexity: Math.exp(loss), labelledTokens }
}

export interface SftFound extends SftEvaluation {
  /** exp of the loss per word of the text that carries loss; it compares models with different tokenizers. */
  readonly perplexityPerWord: number
}

/** Words of the text that carries loss. */
function labelledWords(tokenizer: Tokenizer, dataset: DataSet): number {
  let words = 0
  for (let row = 0; row < dataset.size; row++) {
    const ids = dataset.row(row).labels.filter((id) => id !== NO_LOSS && id !== tokenizer.eosId)
    words += countWords(tokenizer.decode([...ids]))
  }
  return words
}

const options = z.strictObject({
  label_smoothing_factor: labelSmoothing('all tokens'),
  neftune_noise_alpha: neftuneOption,
  dropout: dropoutOption,
})
const graphOptions = z.object(options.shape)
export type SftOptions = z.infer<typeof options>

const work: TaskWork<SftOptions, SftOptions, SftFound> = {
  graphs(request, options) {
    const model = asLanguageModel(request)
    return {
      trainable: () => languageModelTrainable(model),
      training: () =>
        sftTrainingGraph({
          ...disturbed(model, options),
          label_smoothing_factor: options.label_smoothing_factor,
        }),
      evaluation: () => sftEvaluationGraph(model),
    }
  },
  train: (run) =>
    gradientDescent({
      ...run,
      options: run.settings,
      objective: sftObjective,
      async evaluate(parameters, watch) {
        const { per_device_eval_batch_size: size } = run.settings
        const data = run.validationData
        const { loss, perplexity } = await evaluateSft(run.evaluation, parameters, data, size, watch)
        return { eval_loss: loss, eval_perplexity: perplexity }
      },
    }),
  evaluation: {
    async find(model, data, { settings }) {
      return model.withGraph(
        (request) => sftEvaluationGraph(asLanguageModel(request)),
        async (session, parameters) => {
          const found = await evaluateSft(session, parameters, data, settings.per_device_eval_batch_size)
          const words = labelledWords(model.tokenizer, data)
          return { ...found, perplexityPerWord: perplexityOf(found.loss * found.labelledTokens, words) }
        },
      )
    },
    figures: ({ examples, loss, perplexity, perplexityPerWord }) => [
      ['examples', examples, 0],
      ['loss', loss, 4],
      ['perplexity per token', perplexity, 2],
      ['perplexity per word', perplexityPerWord, 2],
    ],
  },
}

export const sft: Task<SftOptions, SftOptions, SftFound> = {
  summary: 'learn to write texts, or the completions of prompts',
  options,
  graphOptions,
  learnsFrom: 'sft',
  head: 'language',
  metrics: [],
  refuses: { frozen: 'lora "none" trains a head alone, and task sft has no head; leave it out' },
  writes: true,
  work: async () => work,
}
