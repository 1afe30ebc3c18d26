/**
 * The training and evaluation graphs of sft: texts, and completions of prompts.
 * @module
 */
import { outputGradients } from '../autodiff.ts'
import type { Graph } from '../ir/graph.ts'
import { causalMask } from '../layers/attention.ts'
import { smoothed } from '../losses/label_smoothing.ts'
import { tokenNegativeLogLikelihood } from '../losses/negative_log_likelihood.ts'
import { weightedSum } from '../losses/weighted_sum.ts'
import type { LanguageModel } from '../models/language_model.ts'
import { declareLanguageModel, languageTokens } from '../models/language_model.ts'
import { gather } from '../ops/index.ts'
import { labelInputs, labelWeightsInput } from './labels.ts'
import { LOSS, taskGraph } from './task_graph.ts'

/** A language model, and how it learns. */
export interface SftTask extends LanguageModel {
  /** ε of label smoothing, 0 where nothing is said; see {@link smoothed}. */
  readonly label_smoothing_factor?: number | undefined
}

/**
 * Batch and trainable tensors in; `loss` and `<parameter>_grad` out. The batch: `input_ids`, `attention_mask`,
 * `position_ids` int64 [batch, sequence]; `label_positions` (flat index of the predicting position) and `labels`
 * int64 [labelled]; `label_weights` [labelled]. loss = Σ label_weights·nll, smoothed where that is asked for. Where a sequence packs several examples, the
 * attention mask numbers them from 1; see {@link causalMask}.
 */
export function sftTrainingGraph({ label_smoothing_factor = 0, ...model }: SftTask): Graph {
  const { graph, nll, hidden, head, labels, labelWeights, trainable } = forward('training', model)
  const loss = weightedSum(smoothed(nll, hidden, head, labels, label_smoothing_factor), labelWeights)
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
  const declared = declareLanguageModel(tokens, model)

  const h = declared.hidden(declared.masked(causalMask(tokens.attention_mask, dtype)))
  const [hidden, head] = [gather(h, labelPositions), declared.head()]
  const nll = graph.scope('lm_head', () => tokenNegativeLogLikelihood(hidden, head, labels))
  return { graph, nll, hidden, head, labels, labelWeights, trainable: declared.trainable }
}
