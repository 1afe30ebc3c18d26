/**
 * NPT's phase 1: plastic blocks learn to do what the model's own blocks do, on every token of the data.
 * @module
 */
import {
  equivalenceEvaluationGraph,
  equivalenceShapes,
  equivalenceTrainingGraph,
} from '../../graphs/tasks/equivalence.ts'
import type { Objective } from '../learning/gradient_descent.ts'
import { gradientDescent, summedOutputs } from '../learning/gradient_descent.ts'
import { collateWeighted, evaluateEquivalence } from './block_distances.ts'
import { asPlasticModel } from './language_model.ts'
import type { NptEvaluation } from './npt_evaluation.ts'
import { blockTable, evaluateNpt, pairedTexts } from './npt_evaluation.ts'
import type { EquivalenceOptions } from './equivalence_task.ts'
import type { GraphRequest, TaskWork } from './task.ts'

/** The step's loss is a mean over all its tokens, however it is cut into micro-batches. */
export const equivalenceObjective: Objective = {
  weight: (examples) => examples.reduce((sum, { input_ids }) => sum + input_ids.length, 0),
  feeds: (sequences, { total }) => collateWeighted(sequences, total),
  metrics: summedOutputs(['equivalence', 'low_magnitude', 'distillation']),
}

const graphTask = (request: GraphRequest, given: EquivalenceOptions) => ({
  ...asPlasticModel(request, 'equivalence'),
  ...given,
})

export const equivalenceWork: TaskWork<EquivalenceOptions, EquivalenceOptions, NptEvaluation> = {
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
      async evaluate(parameters, watch) {
        const { per_device_eval_batch_size: size } = run.settings
        const data = run.validationData
        const { loss } = await evaluateEquivalence(run.evaluation, parameters, data, size, watch)
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
