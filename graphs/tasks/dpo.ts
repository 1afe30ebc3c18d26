/**
 * The graphs of direct preference optimization. A pair is one sequence, its prompt followed by both answers, so that the prompt
 * is computed once; see {@link answersMask}.
 * @module
 */
import { outputGradients } from '../autodiff.ts'
import type { Value } from '../ir/graph.ts'
import { Graph } from '../ir/graph.ts'
import { answersMask } from '../layers/attention.ts'
import { answerLogProbabilities } from '../losses/answer_log_probabilities.ts'
import type { DpoLoss } from '../losses/dpo.ts'
import { chosenNegativeLogLikelihood, dpoLoss } from '../losses/dpo.ts'
import { weightedSum } from '../losses/weighted_sum.ts'
import type { LanguageModel } from '../models/language_model.ts'
import { declareLanguageModel, languageTokens } from '../models/language_model.ts'
import { add, filledLike, gather, mul, reshape, scatterAddRows, sub } from '../ops/index.ts'

export interface DpoTask extends Omit<LanguageModel, 'npt'> {
  readonly dpo: DpoLoss
}

/**
 * Batch and trainable tensors in. The batch: `input_ids`, `attention_mask` (0 at padding, 1 in the prompt, 2 in the chosen and 3
 * in the rejected answer), `position_ids` (either answer's go on from the prompt's) int64 [pairs, sequence]; of the answers'
 * tokens `label_positions` (flat index of the predicting position), `labels` and `label_answers` (2·pair, and 1 more in the
 * rejected answer) int64 [labelled]; `reference_logps` [pairs, 2]; `pair_weights` [pairs]. loss = Σ pair_weights·loss of the pair.
 *
 * Out come `loss` and, chosen answer first, [pairs, 2] each: `logps`, summed over the answer's tokens; `rewards`, the implicit
 * r = β·(log π − log π_ref) (Rafailov et al., 2023, eq. 5); `logits`, the mean over the answer's tokens and the vocabulary. And
 * `<tensor>_grad`.
 */
export function dpoTrainingGraph(task: DpoTask): Graph {
  const { graph, loss, trainable } = forward('training', task)
  outputGradients(loss, trainable)
  return graph
}

/** The same without gradients. With `lora_scale` 0, or the reference's weights, its `logps` are the reference's. */
export const dpoEvaluationGraph = (task: DpoTask): Graph => forward('eval', task).graph

function forward(name: string, task: DpoTask) {
  const { dtype = 'float32', dpo } = task
  const graph = new Graph(name)
  const tokens = languageTokens(graph, task, 'pairs')
  const labelPositions = graph.input('label_positions', 'int64', ['labelled'])
  const labels = graph.input('labels', 'int64', ['labelled'])
  const labelAnswers = graph.input('label_answers', 'int64', ['labelled'])
  const reference = graph.input('reference_logps', dtype, ['pairs', 2])
  const pairWeights = graph.input('pair_weights', dtype, ['pairs'])
  const model = declareLanguageModel(tokens, task)
  const { trainable } = model

  const attend = model.masked(answersMask(tokens.attention_mask, dtype))
  const hidden = gather(model.hidden(attend), labelPositions)
  const head = model.head()
  /** The sum of each answer's tokens: [labelled] → [pairs, 2]. */
  const perAnswer = (x: Value) => {
    const zeros = reshape(filledLike(0, reference), ['2*pairs'])
    return reshape(scatterAddRows(zeros, labelAnswers, x), ['pairs', 2])
  }

  const { logps, logits, lengths } = graph.scope('lm_head', () =>
    answerLogProbabilities(hidden, head, labels, perAnswer),
  )
  const logRatios = sub(logps, reference)
  const loss = graph.scope('dpo', () => {
    const preference = dpoLoss(logRatios, lengths, dpo)
    if (!dpo.rpo_alpha) return weightedSum(preference, pairWeights)
    const likelihood = chosenNegativeLogLikelihood(logps, lengths)
    return weightedSum(add(preference, mul(likelihood, dpo.rpo_alpha)), pairWeights)
  })
  graph.output('loss', loss)
  graph.output('logps', logps)
  graph.output('rewards', mul(logRatios, dpo.beta))
  graph.output('logits', logits)
  return { graph, loss, trainable }
}
