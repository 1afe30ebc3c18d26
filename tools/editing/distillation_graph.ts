/**
 * Context distillation: a model without a text learns the next-token distributions of one that has it in its prompt. Askell et
 * al.: A General Language Assistant as a Laboratory for Alignment (2021); Snell, Klein, Zhong: Learning by Distilling Context (2022).
 * @module
 */
import { outputGradients } from '../../graphs/autodiff.ts'
import type { Value } from '../../graphs/ir/graph.ts'
import { Graph } from '../../graphs/ir/graph.ts'
import { causalMask } from '../../graphs/layers/attention.ts'
import { klDivergence } from '../../graphs/losses/distillation.ts'
import { weightedSum } from '../../graphs/losses/weighted_sum.ts'
import { factsOf } from '../../graphs/models/family.ts'
import type { LanguageModel } from '../../graphs/models/language_model.ts'
import { declareLanguageModel, languageTokens } from '../../graphs/models/language_model.ts'
import { gather, gemm } from '../../graphs/ops/index.ts'
import { labelInputs, labelWeightsInput } from '../../graphs/tasks/labels.ts'

/** The batch of sft and the adapter in; `logits` [labelled, vocabulary] from which each label is predicted out. */
export function logitsGraph(model: LanguageModel): Graph {
  const graph = new Graph('logits', 'what is expected where each label is predicted')
  const { student } = predictions(graph, model)
  graph.output('logits', student, 'of each label')
  return graph
}

/** The same with `teacher` [labelled, vocabulary]; `loss` = Σ label_weights·KL(teacher‖model) and gradients out. */
export function distillationGraph(model: LanguageModel): Graph {
  const graph = new Graph('distillation', 'loss = Σ label_weights·KL(teacher‖model)')
  const teacher = graph.input('teacher', 'float32', ['labelled', factsOf(model.config).vocabulary], 'logits')
  const weights = labelWeightsInput(graph, 'float32')
  const { student, trainable } = predictions(graph, model)
  const loss = weightedSum(klDivergence(teacher, student), weights)
  graph.output('loss', loss, 'in nats')
  outputGradients(loss, trainable)
  return graph
}

function predictions(graph: Graph, model: LanguageModel): { student: Value; trainable: readonly Value[] } {
  const tokens = languageTokens(graph, model)
  const { labelPositions } = labelInputs(graph)
  const { masked, hidden, head, trainable } = declareLanguageModel(tokens, model)
  const h = gather(hidden(masked(causalMask(tokens.attention_mask, 'float32'))), labelPositions)
  return { student: gemm(h, head(), { transB: true }), trainable }
}
