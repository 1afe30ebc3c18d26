/**
 * What graphs share that learn from pairs of answers without a reference: what is known of an answer y to x is the policy's mean
 * log-probability per token, ℓ = log π(y | x) / |y|, and its reward β·ℓ.
 * @module
 */
import { outputGradients } from '../autodiff.ts'
import type { Value } from '../ir/graph.ts'
import { Graph } from '../ir/graph.ts'
import { sumPerAnswer } from '../losses/pairs.ts'
import { tokenLogProbabilities } from '../losses/token_log_probabilities.ts'
import { weightedSum } from '../losses/weighted_sum.ts'
import { expand, mul, neg } from '../ops/index.ts'
import type { PairModel } from './pairs.ts'
import { pairInputs, readPairs } from './pairs.ts'

/** What a loss without a reference is made of. */
export interface Likelihoods {
  /** ℓ [pairs, 2], the chosen answer's first. */
  readonly logps: Value
  /** The negative log-likelihood of the chosen answers per token, over the whole optimizer step; a scalar. */
  readonly nll: Value
  /** [pairs] */
  readonly pairWeights: Value
}

export interface ReferenceFreeLoss {
  readonly name: string
  readonly beta: number
  /** The loss, a scalar, and what else the graph gives out of each pair, [pairs]. */
  readonly build: (likelihoods: Likelihoods) => {
    readonly loss: Value
    readonly perPair?: Readonly<Record<string, Value>>
  }
}

/**
 * Batch and trainable tensors in. The batch: the tokens of pairs, see {@link pairInputs}; `pair_weights` [pairs], each 1/(pairs of
 * the optimizer step); of each label `answer_weights` [labelled], 1/(tokens of its answer), and `likelihood_weights` [labelled],
 * 1/(tokens of the step that are learned by likelihood) or 0. A label of an answer weight 0 belongs to no answer: the prompts may
 * be learned by likelihood, too.
 *
 * Out come `loss`; `logps`, ℓ, and `rewards`, β·ℓ [pairs, 2], chosen answer first; `nll_loss`; and what the loss has beside,
 * [pairs]. Summed over the micro-batches of a step, `loss` and `nll_loss` are the step's.
 */
export const referenceFreeEvaluationGraph = (task: PairModel, learned: ReferenceFreeLoss): Graph =>
  forward('eval', task, learned).graph

/** The same with `<tensor>_grad` of every trainable tensor. */
export function referenceFreeTrainingGraph(task: PairModel, learned: ReferenceFreeLoss): Graph {
  const { graph, loss, trainable } = forward('training', task, learned)
  outputGradients(loss, trainable)
  return graph
}

function forward(graphName: string, task: PairModel, { name, beta, build }: ReferenceFreeLoss) {
  const { dtype = 'float32' } = task
  const graph = new Graph(graphName)
  const pairs = pairInputs(graph, task)
  const pairWeights = graph.input('pair_weights', dtype, ['pairs'])
  const answerWeights = graph.input('answer_weights', dtype, ['labelled'])
  const likelihoodWeights = graph.input('likelihood_weights', dtype, ['labelled'])
  const { trainable, hidden, head } = readPairs(pairs, task)

  const likelihoods = graph.scope('lm_head', (): Likelihoods => {
    const { logp } = tokenLogProbabilities(hidden, head, pairs.labels)
    const zeros = expand(graph.scalar(0, dtype), ['pairs', 2])
    const logps = sumPerAnswer(mul(logp, answerWeights), pairs.labelAnswers, zeros)
    return { logps, nll: neg(weightedSum(logp, likelihoodWeights)), pairWeights }
  })
  const { loss, perPair = {} } = graph.scope(name, () => build(likelihoods))
  graph.output('loss', loss)
  graph.output('logps', likelihoods.logps)
  graph.output('rewards', mul(likelihoods.logps, beta))
  graph.output('nll_loss', likelihoods.nll)
  for (const [output, value] of Object.entries(perPair)) graph.output(output, value)
  return { graph, loss, trainable }
}
