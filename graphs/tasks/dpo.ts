/**
 * The graphs of direct preference optimization.
 * @module
 */
import { outputGradients } from '../autodiff.ts'
import { wideType } from '../ir/dtype.ts'
import type { Graph, Value } from '../ir/graph.ts'
import { answerLogProbabilities } from '../losses/answer_log_probabilities.ts'
import type { DpoLoss } from '../losses/dpo.ts'
import { chosenNegativeLogLikelihood, dpoLoss } from '../losses/dpo.ts'
import { sumPerAnswer } from '../losses/pairs.ts'
import { weightedSum } from '../losses/weighted_sum.ts'
import { add, filledLike, mul, sub } from '../ops/index.ts'
import { answerDocs } from './answer_docs.ts'
import type { PairModel } from './pairs.ts'
import { pairInputs, pairWeightsInput, readPairs } from './pairs.ts'
import { LOSS, taskGraph } from './task_graph.ts'

export interface DpoTask extends PairModel {
  readonly dpo: DpoLoss
}

/**
 * Batch and trainable tensors in. The batch: the tokens of pairs, see {@link pairInputs}, of which the answers' are labelled;
 * `reference_logps` [pairs, 2]; `pair_weights` [pairs]. loss = Σ pair_weights·loss of the pair.
 *
 * Out come `loss` and, chosen answer first, [pairs, 2] each: `logps`, summed over the answer's tokens; `rewards`, the implicit
 * r = β·(log π − log π_ref) (Rafailov et al., 2023, eq. 5); `logits`, the mean over the answer's tokens and the vocabulary. And
 * `<tensor>_grad`.
 */
export function dpoTrainingGraph(task: DpoTask): Graph {
  const { graph, loss, trainable } = forward('training', task)
  outputGradients(loss, trainable, task.dtype)
  return graph
}

/** The same without gradients. With `lora_scale` 0, or the reference's weights, its `logps` are the reference's. */
export const dpoEvaluationGraph = (task: DpoTask): Graph => forward('eval', task).graph

function forward(name: 'training' | 'eval', task: DpoTask) {
  const { dtype = 'float32', dpo } = task
  const graph = taskGraph(name, 'dpo', 'loss = Σ pair_weights·loss of the pair')
  const pairs = pairInputs(graph, task)
  const reference = graph.input(
    'reference_logps',
    wideType(dtype),
    ['pairs', 2],
    'log π_ref of each answer, the chosen one first: what `logps` are of the reference',
  )
  const pairWeights = pairWeightsInput(graph, dtype)
  const { trainable, hidden, head } = readPairs(pairs, task)
  const perAnswer = (x: Value) => sumPerAnswer(x, pairs.labelAnswers, filledLike(0, reference))

  const { logps, logits, lengths } = graph.scope('lm_head', () =>
    answerLogProbabilities(hidden, head, pairs.labels, perAnswer),
  )
  const logRatios = sub(logps, reference)
  const loss = graph.scope('dpo', () => {
    const preference = dpoLoss(logRatios, lengths, dpo)
    if (!dpo.rpo_alpha) return weightedSum(preference, pairWeights)
    const likelihood = chosenNegativeLogLikelihood(logps, lengths)
    return weightedSum(add(preference, mul(likelihood, dpo.rpo_alpha)), pairWeights)
  })
  graph.output('loss', loss, LOSS)
  graph.output('logps', logps, answerDocs.logps)
  graph.output('rewards', mul(logRatios, dpo.beta), answerDocs.rewards)
  graph.output('logits', logits, answerDocs.logits)
  return { graph, loss, trainable }
}
