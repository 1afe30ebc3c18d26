/**
 * What graphs share that learn from pairs of answers without a reference: what is known of an answer y to x is the policy's mean
 * log-probability per token, ℓ = log π(y | x) / |y|, and its reward β·ℓ.
 * @module
 */
import { outputGradients } from '../autodiff.ts'
import { wideType } from '../ir/dtype.ts'
import type { Graph, Value } from '../ir/graph.ts'
import { sumPerAnswer } from '../losses/pairs.ts'
import { tokenLogProbabilities } from '../losses/token_log_probabilities.ts'
import { weightedSum } from '../losses/weighted_sum.ts'
import { mul, neg, unsqueeze } from '../ops/index.ts'
import type { PairModel } from './pairs.ts'
import { pairInputs, pairWeightsInput, readPairs } from './pairs.ts'
import { LOSS, taskGraph } from './task_graph.ts'

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
  /** The loss, for people. */
  readonly formula: string
  readonly beta: number
  /** The loss, a scalar, and what else the graph gives out of each pair, [pairs]. */
  readonly build: (likelihoods: Likelihoods) => {
    readonly loss: Value
    readonly perPair?: Readonly<Record<string, { readonly value: Value; readonly doc: string }>>
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
  outputGradients(loss, trainable, task.dtype)
  return graph
}

function forward(
  graphName: 'training' | 'eval',
  task: PairModel,
  { name, formula, beta, build }: ReferenceFreeLoss,
) {
  const { dtype = 'float32' } = task
  const graph = taskGraph(graphName, name, formula)
  const pairs = pairInputs(graph, task)
  const pairWeights = pairWeightsInput(graph, dtype)
  const perLabel = (name: string, doc: string) => graph.input(name, wideType(dtype), ['labelled'], doc)
  const answerWeights = perLabel(
    'answer_weights',
    '1 / (labels of its answer); 0 at a label that belongs to no answer',
  )
  const likelihoodWeights = perLabel(
    'likelihood_weights',
    '1 / (labels of the whole optimizer step that are learned by likelihood), or 0',
  )
  const { trainable, hidden, head } = readPairs(pairs, task)

  const likelihoods = graph.scope('lm_head', (): Likelihoods => {
    const { logp } = tokenLogProbabilities(hidden, head, pairs.labels)
    const zeros = mul(unsqueeze(pairWeights, 1), graph.constant([0, 0], wideType(dtype)))
    const logps = sumPerAnswer(mul(logp, answerWeights), pairs.labelAnswers, zeros)
    return { logps, nll: neg(weightedSum(logp, likelihoodWeights)), pairWeights }
  })
  const { loss, perPair = {} } = graph.scope(name, () => build(likelihoods))
  graph.output('loss', loss, LOSS)
  graph.output('logps', likelihoods.logps, 'ℓ, the mean log π of the tokens of each answer')
  graph.output('rewards', mul(likelihoods.logps, beta), 'β·ℓ of each answer')
  graph.output('nll_loss', likelihoods.nll, 'Σ likelihood_weights·nll')
  for (const [output, { value, doc }] of Object.entries(perPair)) graph.output(output, value, doc)
  return { graph, loss, trainable }
}
