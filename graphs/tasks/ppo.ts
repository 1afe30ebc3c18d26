/**
 * The graphs of proximal policy optimization: policy and value head on one model, over the tokens of responses.
 * @module
 */
import { outputGradients } from '../autodiff.ts'
import { wideType } from '../ir/dtype.ts'
import type { Graph } from '../ir/graph.ts'
import { causalMask } from '../layers/attention.ts'
import type { PpoLoss } from '../losses/ppo.ts'
import { policyLoss, valueLoss } from '../losses/ppo.ts'
import { tokenLogProbabilities } from '../losses/token_log_probabilities.ts'
import { weightedSum } from '../losses/weighted_sum.ts'
import type { LanguageModel } from '../models/language_model.ts'
import { declareLanguageModel, languageModelTrainable, languageTokens } from '../models/language_model.ts'
import type { ParameterShapes } from '../models/parameters.ts'
import { inputParameters } from '../models/parameters.ts'
import { valueHead, valueHeadShapes } from '../models/value_head.ts'
import { add, gather, mul, sub } from '../ops/index.ts'
import { labelInputs } from './labels.ts'
import { LOSS, taskGraph } from './task_graph.ts'

export interface PpoTask extends Omit<LanguageModel, 'npt'> {
  readonly ppo: PpoLoss
}

/** The tensors that training changes, in the order of the graph's inputs; the value head comes last. */
export const ppoShapes = (task: PpoTask): ParameterShapes =>
  new Map([...languageModelTrainable(task), ...valueHeadShapes(task.config)])

/**
 * Batch and trainable tensors in. The batch: `input_ids`, `attention_mask`, `position_ids` int64 [batch, sequence]; of the
 * responses' tokens `label_positions` (flat index of the predicting position, whose value counts too) and `labels` int64
 * [labelled]; `old_logps`, `old_values`, `advantages`, `returns` and `token_weights` [labelled], 1/(response tokens of the
 * optimizer step).
 *
 * Out come `loss` = policy_loss + vf_coef·value_loss − entropy_coef·entropy, its terms `policy_loss`, `value_loss` and `entropy`,
 * each Σ token_weights·that of the token, `logps` and `values` [labelled], and `<tensor>_grad`.
 */
export function ppoTrainingGraph(task: PpoTask): Graph {
  const { dtype = 'float32', ppo } = task
  const graph = taskGraph('training', 'ppo', 'loss = policy_loss + vf_coef·value_loss − entropy_coef·entropy')
  const tokens = responseTokens(graph, task)
  const input = (name: string, doc: string) => graph.input(name, wideType(dtype), ['labelled'], doc)
  const [oldLogps, oldValues, advantages, returns] = [
    input('old_logps', '`logps` of the policy that wrote the responses'),
    input('old_values', 'its `values`'),
    input('advantages', 'A of each token'),
    input('returns', 'R of each token, which values learn'),
  ]
  const weights = input('token_weights', '1 / (response tokens of the whole optimizer step)')
  const { logps, values, entropies, trainable } = actorCritic(tokens, task)

  const { policy, value, entropy } = graph.scope('ppo', () => ({
    policy: weightedSum(policyLoss(logps, oldLogps, advantages, ppo.cliprange), weights),
    value: weightedSum(valueLoss(values, oldValues, returns, ppo.cliprange_value), weights),
    entropy: weightedSum(entropies, weights),
  }))
  const clipped = add(policy, mul(value, ppo.vf_coef))
  // Without its bonus the entropy is no part of the loss, and has no gradient to be computed.
  const loss = ppo.entropy_coef === 0 ? clipped : sub(clipped, mul(entropy, ppo.entropy_coef))
  graph.output('loss', loss, LOSS)
  graph.output('policy_loss', policy, 'Σ token_weights·the clipped surrogate')
  graph.output('value_loss', value, 'Σ token_weights·the clipped squared error of values')
  graph.output('entropy', entropy, 'Σ token_weights·the entropy of the next token')
  graph.output('logps', logps, docs.logps)
  graph.output('values', values, docs.values)
  outputGradients(loss, trainable, dtype)
  return graph
}

/**
 * The same tokens and tensors in; `logps`, `values` and `entropies` [labelled] out. With `lora_scale` 0, or the reference's
 * weights, its `logps` are the reference's.
 */
export function ppoEvaluationGraph(task: PpoTask): Graph {
  const graph = taskGraph('eval', 'ppo', 'log-probabilities, values and entropies of responses')
  const { logps, values, entropies } = actorCritic(responseTokens(graph, task), task)
  graph.output('logps', logps, docs.logps)
  graph.output('values', values, docs.values)
  graph.output('entropies', entropies, 'the entropy of the next token where each is predicted, in nats')
  return graph
}

/** Of the tokens of responses. */
const docs = {
  logps: 'log π of each token of the responses, at the temperature that they were drawn at',
  values: 'what the value head expects where each token is predicted',
} as const

const responseTokens = (graph: Graph, task: PpoTask) => ({
  tokens: languageTokens(graph, task),
  ...labelInputs(graph),
})

/** What policy and value head say of the responses' tokens, [labelled] each. */
function actorCritic({ tokens, labelPositions, labels }: ReturnType<typeof responseTokens>, task: PpoTask) {
  const { config, dtype = 'float32', ppo } = task
  const { graph } = tokens.input_ids
  const model = declareLanguageModel(tokens, task)
  const before = graph.inputs.length
  const valueParameters = inputParameters(graph, valueHeadShapes(config), dtype)
  const valueTensors = graph.inputs.slice(before)

  const attend = model.masked(causalMask(tokens.attention_mask, dtype))
  const hidden = gather(model.hidden(attend), labelPositions)
  const { logp, entropy } = graph.scope('lm_head', () =>
    tokenLogProbabilities(hidden, model.head(), labels, ppo.temperature),
  )
  const values = graph.scope('v_head', () => valueHead(hidden, valueParameters))
  return { logps: logp, values, entropies: entropy, trainable: [...model.trainable, ...valueTensors] }
}
