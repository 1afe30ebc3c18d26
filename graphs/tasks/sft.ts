/**
 * The training and evaluation graphs of sft: texts, and completions of prompts.
 * @module
 */
import { outputGradients } from '../autodiff.ts'
import type { Graph } from '../ir/graph.ts'
import { causalMask } from '../layers/attention.ts'
import { tokenNegativeLogLikelihood } from '../losses/negative_log_likelihood.ts'
import { weightedSum } from '../losses/weighted_sum.ts'
import type { LanguageModel } from '../models/language_model.ts'
import { declareLanguageModel, languageTokens } from '../models/language_model.ts'
import { gather } from '../ops/index.ts'
import { labelInputs, labelWeightsInput } from './labels.ts'
import { LOSS, taskGraph } from './task_graph.ts'

/**
 * Batch and trainable tensors in; `loss` and `<parameter>_grad` out. The batch: `input_ids`, `attention_mask`,
 * `position_ids` int64 [batch, sequence]; `label_positions` (flat index of the predicting position) and `labels`
 * int64 [labelled]; `label_weights` [labelled]. loss = Σ label_weights·nll. Where a sequence packs several examples, the
 * attention mask numbers them from 1; see {@link causalMask}.
 */
export function sftTrainingGraph(model: LanguageModel): Graph {
  const { graph, nll, labelWeights, trainable } = forward('training', model)
  const loss = weightedSum(nll, labelWeights)
  graph.output('loss', loss, LOSS)
  outputGradients(loss, trainable, model.dtype)
  return graph
}

/** The same inputs; `loss` and the single `nll` [labelled] out. */
export function sftEvaluationGraph(model: LanguageModel): Graph {
  const { graph, nll, labelWeights } = forward('eval', model)
  graph.output('loss', weightedSum(nll, labelWeights), LOSS)
  graph.output('nll', nll, 'the negative log-likelihood of each label, in nats')
  return graph
}

function forward(name: 'training' | 'eval', model: LanguageModel) {
  const { dtype = 'float32' } = model
  const graph = taskGraph(name, 'sft', 'loss = Σ label_weights·nll')
  const tokens = languageTokens(graph, model)
  const { labelPositions, labels } = labelInputs(graph)
  const labelWeights = labelWeightsInput(graph, dtype)
  const { masked, hidden, head, trainable } = declareLanguageModel(tokens, model)

  const h = hidden(masked(causalMask(tokens.attention_mask, dtype)))
  const nll = graph.scope('lm_head', () =>
    tokenNegativeLogLikelihood(gather(h, labelPositions), head(), labels),
  )
  return { graph, nll, labelWeights, trainable }
}
