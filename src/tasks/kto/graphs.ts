/** @module */
import { languageModelTrainable } from '../../../graphs/models/language_model.ts'
import { ktoEvaluationGraph, ktoTrainingGraph } from '../../../graphs/tasks/kto.ts'
import { asLanguageModel } from '../language_model.ts'
import type { GraphRequest, TaskGraphs } from '../task.ts'
import type { KtoGraphOptions } from './options.ts'

const graphTask = (
  request: GraphRequest,
  { beta, desirable_weight, undesirable_weight }: KtoGraphOptions,
) => ({
  ...asLanguageModel(request),
  kto: { beta, desirable_weight, undesirable_weight },
})

/** What a policy is judged with, and its reference asked. */
export const evaluationGraph = (options: KtoGraphOptions) => (request: GraphRequest) =>
  ktoEvaluationGraph(graphTask(request, options))

export function ktoGraphs(request: GraphRequest, options: KtoGraphOptions): TaskGraphs {
  const task = graphTask(request, options)
  return {
    trainable: () => languageModelTrainable(task),
    training: () => ktoTrainingGraph(task),
    evaluation: () => ktoEvaluationGraph(task),
  }
}
