/**
 * The graphs of Kahneman-Tversky optimization.
 * @module
 */
import { outputGradients } from '../autodiff.ts'
import type { Value } from '../ir/graph.ts'
import { Graph } from '../ir/graph.ts'
import { causalMask } from '../layers/attention.ts'
import { answerLogProbabilities } from '../losses/answer_log_probabilities.ts'
import type { KtoLoss } from '../losses/kto.ts'
import { ktoLoss } from '../losses/kto.ts'
import { weightedSum } from '../losses/weighted_sum.ts'
import type { LanguageModel } from '../models/language_model.ts'
import { declareLanguageModel, languageTokens } from '../models/language_model.ts'
import { filledLike, gather, mul, scatterAddRows, sub } from '../ops/index.ts'

export interface KtoTask extends Omit<LanguageModel, 'npt'> {
  readonly kto: KtoLoss
}

/**
 * Batch and trainable tensors in. The batch: `input_ids`, `attention_mask`, `position_ids` int64 [rows, sequence], a prompt and
 * its answer in each row; of the answers' tokens `label_positions` (flat index of the predicting position), `labels` and
 * `label_rows` int64 [labelled]; `reference_logps` and `desirable` (1 or 0) [rows]; `kl`, z₀, a scalar; `row_weights` [rows].
 * loss = Σ row_weights·loss of the row.
 *
 * Out come `loss` and, [rows] each: `logps`, summed over the answer's tokens; `rewards`, the implicit
 * r = β·(log π − log π_ref); `logits`, the mean over the answer's tokens and the vocabulary. And `<tensor>_grad`.
 */
export function ktoTrainingGraph(task: KtoTask): Graph {
  const { graph, loss, trainable } = forward('training', task)
  outputGradients(loss, trainable)
  return graph
}

/** The same without gradients. With `lora_scale` 0, or the reference's weights, its `logps` are the reference's. */
export const ktoEvaluationGraph = (task: KtoTask): Graph => forward('eval', task).graph

function forward(name: string, task: KtoTask) {
  const { dtype = 'float32', kto } = task
  const graph = new Graph(name)
  const tokens = languageTokens(graph, task, 'rows')
  const labelPositions = graph.input('label_positions', 'int64', ['labelled'])
  const labels = graph.input('labels', 'int64', ['labelled'])
  const labelRows = graph.input('label_rows', 'int64', ['labelled'])
  const reference = graph.input('reference_logps', dtype, ['rows'])
  const desirable = graph.input('desirable', dtype, ['rows'])
  const kl = graph.input('kl', dtype, [])
  const rowWeights = graph.input('row_weights', dtype, ['rows'])
  const { masked, hidden, head, trainable } = declareLanguageModel(tokens, task)

  const h = gather(hidden(masked(causalMask(tokens.attention_mask, dtype))), labelPositions)
  /** The sum of each answer's tokens: [labelled] → [rows]. */
  const perRow = (x: Value) => scatterAddRows(filledLike(0, reference), labelRows, x)
  const { logps, logits } = graph.scope('lm_head', () => answerLogProbabilities(h, head(), labels, perRow))
  const logRatios = sub(logps, reference)
  const loss = graph.scope('kto', () => weightedSum(ktoLoss(logRatios, desirable, kl, kto), rowWeights))
  graph.output('loss', loss)
  graph.output('logps', logps)
  graph.output('rewards', mul(logRatios, kto.beta))
  graph.output('logits', logits)
  return { graph, loss, trainable }
}
