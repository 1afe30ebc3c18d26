/**
 * The graphs of neuro-plastic fine-tuning: likelihood, how far responses stray from their prompts, and how open the choice of their
 * tokens is, each with weights that are inputs, so that one graph has the gradients of all terms, together and one by one. What a
 * response cost that the model wrote itself comes in as weights of its tokens (the score function; Williams 1992).
 * @module
 */
import { outputGradients } from '../autodiff.ts'
import { wideType } from '../ir/dtype.ts'
import type { Graph } from '../ir/graph.ts'
import { causalMask } from '../layers/attention.ts'
import { cosineSimilarity } from '../layers/cosine_similarity.ts'
import { maskedMean } from '../layers/pooling.ts'
import { tokenLogProbabilities } from '../losses/token_log_probabilities.ts'
import { weightedSum } from '../losses/weighted_sum.ts'
import type { LanguageModel } from '../models/language_model.ts'
import { declareLanguageModel, languageTokens } from '../models/language_model.ts'
import { add, gather, lookedUp, neg, sub } from '../ops/index.ts'
import { labelInputs } from './labels.ts'
import { LOSS, taskGraph } from './task_graph.ts'

const FORMULA = 'loss = Σ label_weights·nll + Σ semantic_weights·(1 − cos) − Σ entropy_weights·entropy'

/**
 * Batch and trainable tensors in. The batch: `input_ids`, `attention_mask`, `position_ids` int64 [batch, sequence];
 * `label_positions` (flat index of the predicting position) and `labels` int64 [labelled]; `prompt_mask` and `response_mask` int64
 * [batch, sequence], 1 at the tokens of either, at least one each; `label_weights` and `entropy_weights` [labelled],
 * `semantic_weights` [batch].
 *
 *     loss = Σ label_weights·nll + Σ semantic_weights·(1 − cos) − Σ entropy_weights·entropy
 *
 * Out come `loss`, `nll` and `entropies` [labelled], `cosines` [batch], and `<parameter>_grad`.
 */
export function neuroplasticTrainingGraph(model: LanguageModel): Graph {
  const { dtype = 'float32' } = model
  const graph = taskGraph('training', 'neuroplastic', FORMULA)
  const responses = responseInputs(graph, model)
  const [labelWeights, semanticWeights, entropyWeights] = [
    graph.input('label_weights', wideType(dtype), ['labelled'], docs.label_weights),
    graph.input('semantic_weights', wideType(dtype), ['batch'], docs.semantic_weights),
    graph.input('entropy_weights', wideType(dtype), ['labelled'], docs.entropy_weights),
  ]
  const { nll, entropies, cosines, trainable } = readResponses(responses, model)
  const likelihood = weightedSum(nll, labelWeights)
  const semantic = weightedSum(sub(1, cosines), semanticWeights)
  const loss = sub(add(likelihood, semantic), weightedSum(entropies, entropyWeights))
  graph.output('loss', loss, LOSS)
  graph.output('nll', nll, docs.nll)
  graph.output('entropies', entropies, docs.entropies)
  graph.output('cosines', cosines, docs.cosines)
  outputGradients(loss, trainable, dtype)
  return graph
}

/** The same tokens, masks and tensors in; `nll` and `entropies` [labelled] and `cosines` [batch] out. */
export function neuroplasticEvaluationGraph(model: LanguageModel): Graph {
  const graph = taskGraph('eval', 'neuroplastic', 'nll and entropy of each token, and the cosine of each row')
  const { nll, entropies, cosines } = readResponses(responseInputs(graph, model), model)
  graph.output('nll', nll, docs.nll)
  graph.output('entropies', entropies, docs.entropies)
  graph.output('cosines', cosines, docs.cosines)
  return graph
}

const docs = {
  prompt_mask: '1 at the tokens of the prompt, at least one',
  response_mask: '1 at the tokens of the response, at least one',
  label_weights:
    'of each −log π: 1 / (labels of the whole optimizer step) in the data, and −λ·(cost − baseline) / responses of the step where the model wrote them',
  semantic_weights: 'of 1 − cos of each row',
  entropy_weights: "of each label's entropy, which is taken off",
  nll: 'the negative log-likelihood of each label, in nats',
  entropies: 'the entropy of the next token where each label is predicted, in nats',
  cosines: 'between the mean last hidden states of the prompt and of the response',
} as const

const responseInputs = (graph: Graph, model: LanguageModel) => ({
  tokens: languageTokens(graph, model),
  ...labelInputs(graph),
  promptMask: lookedUp(graph.input('prompt_mask', 'int64', ['batch', 'sequence'], docs.prompt_mask), 1),
  responseMask: lookedUp(graph.input('response_mask', 'int64', ['batch', 'sequence'], docs.response_mask), 1),
})

/** Declares the model, after all other inputs, and reads prompts with their responses. */
function readResponses(
  { tokens, labelPositions, labels, promptMask, responseMask }: ReturnType<typeof responseInputs>,
  model: LanguageModel,
) {
  const { graph } = tokens.input_ids
  const { masked, hidden, head, trainable } = declareLanguageModel(tokens, model)
  const h = hidden(masked(causalMask(tokens.attention_mask, model.dtype ?? 'float32')))
  const { logp, entropy } = graph.scope('lm_head', () =>
    tokenLogProbabilities(gather(h, labelPositions), head(), labels),
  )
  const cosines = graph.scope('semantic', () =>
    cosineSimilarity(maskedMean(h, promptMask), maskedMean(h, responseMask)),
  )
  return { nll: neg(logp), entropies: entropy, cosines, trainable }
}
