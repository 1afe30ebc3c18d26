/**
 * The graphs of Kahneman-Tversky optimization.
 * @module
 */
import { outputGradients } from '../autodiff.ts'
import { wideType } from '../ir/dtype.ts'
import type { Graph, Value } from '../ir/graph.ts'
import { causalMask } from '../layers/attention.ts'
import { answerLogProbabilities } from '../losses/answer_log_probabilities.ts'
import type { KtoLoss } from '../losses/kto.ts'
import { ktoLoss } from '../losses/kto.ts'
import { weightedSum } from '../losses/weighted_sum.ts'
import type { LanguageModel } from '../models/language_model.ts'
import { declareLanguageModel, languageTokens } from '../models/language_model.ts'
import { filledLike, gather, mul, scatterAddRows, sub } from '../ops/index.ts'
import { answerDocs } from './answer_docs.ts'
import { labelInputs } from './labels.ts'
import { LOSS, taskGraph } from './task_graph.ts'

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
  outputGradients(loss, trainable, task.dtype)
  return graph
}

/** The same without gradients. With `lora_scale` 0, or the reference's weights, its `logps` are the reference's. */
export const ktoEvaluationGraph = (task: KtoTask): Graph => forward('eval', task).graph

function forward(name: 'training' | 'eval', task: KtoTask) {
  const { dtype = 'float32', kto } = task
  const graph = taskGraph(name, 'kto', 'loss = Σ row_weights·loss of the row')
  const tokens = languageTokens(graph, task, 'rows')
  const { labelPositions, labels } = labelInputs(graph)
  const labelRows = graph.input('label_rows', 'int64', ['labelled'], 'the row of each label')
  const perRow = (name: string, doc: string) => graph.input(name, wideType(dtype), ['rows'], doc)
  const reference = perRow(
    'reference_logps',
    "log π_ref of each row's answer: what `logps` are of the reference",
  )
  const desirable = perRow('desirable', '1 where the answer is desirable, 0 where it is not')
  const kl = graph.input(
    'kl',
    wideType(dtype),
    [],
    'z₀, the divergence from the reference that answers are held against',
  )
  const rowWeights = perRow(
    'row_weights',
    'what each row weighs in the loss: 1 / (rows of the whole optimizer step)',
  )
  const { masked, hidden, head, trainable } = declareLanguageModel(tokens, task)

  const h = gather(hidden(masked(causalMask(tokens.attention_mask, dtype))), labelPositions)
  /** The sum of each answer's tokens: [labelled] → [rows]. */
  const sumPerRow = (x: Value) => scatterAddRows(filledLike(0, reference), labelRows, x)
  const { logps, logits } = graph.scope('lm_head', () => answerLogProbabilities(h, head(), labels, sumPerRow))
  const logRatios = sub(logps, reference)
  const loss = graph.scope('kto', () => weightedSum(ktoLoss(logRatios, desirable, kl, kto), rowWeights))
  graph.output('loss', loss, LOSS)
  graph.output('logps', logps, answerDocs.logps)
  graph.output('rewards', mul(logRatios, kto.beta), answerDocs.rewards)
  graph.output('logits', logits, answerDocs.logits)
  return { graph, loss, trainable }
}
