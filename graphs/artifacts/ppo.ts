/**
 * The graphs of proximal policy optimization: policy and value head on one model, over the tokens of responses.
 * @module
 */
import { outputGradients } from '../autodiff.ts'
import type { FloatType } from '../ir/dtype.ts'
import type { ExternalData } from '../ir/graph.ts'
import { Graph } from '../ir/graph.ts'
import type { PpoLoss } from '../losses/ppo.ts'
import { policyLoss, valueLoss } from '../losses/ppo.ts'
import { tokenLogProbabilities } from '../losses/token_log_probabilities.ts'
import { weightedSum } from '../losses/weighted_sum.ts'
import type { Adaptation, AdaptedModel } from '../models/adaptation.ts'
import { adaptedShapes, declareModel } from '../models/adaptation.ts'
import { causalAttention, gpt2, lmHead } from '../models/gpt2.ts'
import type { Gpt2Config } from '../models/gpt2_config.ts'
import { gpt2ParameterShapes } from '../models/gpt2_config.ts'
import type { ParameterShapes } from '../models/parameters.ts'
import { inputParameters } from '../models/parameters.ts'
import { valueHead, valueHeadShapes } from '../models/value_head.ts'
import { add, gather, mul, sub } from '../ops/index.ts'

export interface PpoTask {
  readonly config: Gpt2Config
  readonly lora?: Adaptation
  /** Where each frozen parameter lies in the model's weight file; absent: every parameter is an input. */
  readonly stored?: ReadonlyMap<string, ExternalData> | undefined
  readonly dtype?: FloatType
  readonly ppo: PpoLoss
}

/** The tensors that training changes, in the order of the graph's inputs; the value head comes last. */
export const ppoShapes = (task: PpoTask): ParameterShapes =>
  new Map([...adaptedShapes(modelOf(task)), ...valueHeadShapes(task.config)])

const modelOf = ({ config, lora = 'full' }: PpoTask): AdaptedModel => ({
  config,
  shapes: gpt2ParameterShapes(config),
  lora,
})

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
  const graph = new Graph('training')
  const tokens = tokenInputs(graph)
  const input = (name: string) => graph.input(name, dtype, ['labelled'])
  const [oldLogps, oldValues, advantages, returns] = [
    input('old_logps'),
    input('old_values'),
    input('advantages'),
    input('returns'),
  ]
  const weights = input('token_weights')
  const { logps, values, entropies, trainable } = actorCritic(tokens, task)

  const { policy, value, entropy } = graph.scope('ppo', () => ({
    policy: weightedSum(policyLoss(logps, oldLogps, advantages, ppo.cliprange), weights),
    value: weightedSum(valueLoss(values, oldValues, returns, ppo.cliprange_value), weights),
    entropy: weightedSum(entropies, weights),
  }))
  const clipped = add(policy, mul(value, ppo.vf_coef))
  // Without its bonus the entropy is no part of the loss, and has no gradient to be computed.
  const loss = ppo.entropy_coef === 0 ? clipped : sub(clipped, mul(entropy, ppo.entropy_coef))
  graph.output('loss', loss)
  graph.output('policy_loss', policy)
  graph.output('value_loss', value)
  graph.output('entropy', entropy)
  graph.output('logps', logps)
  graph.output('values', values)
  outputGradients(loss, trainable)
  return graph
}

/**
 * The same tokens and tensors in; `logps`, `values` and `entropies` [labelled] out. With `lora_scale` 0, or the reference's
 * weights, its `logps` are the reference's.
 */
export function ppoEvaluationGraph(task: PpoTask): Graph {
  const graph = new Graph('eval')
  const { logps, values, entropies } = actorCritic(tokenInputs(graph), task)
  graph.output('logps', logps)
  graph.output('values', values)
  graph.output('entropies', entropies)
  return graph
}

const tokenInputs = (graph: Graph) => ({
  inputIds: graph.input('input_ids', 'int64', ['batch', 'sequence']),
  attentionMask: graph.input('attention_mask', 'int64', ['batch', 'sequence']),
  positionIds: graph.input('position_ids', 'int64', ['batch', 'sequence']),
  labelPositions: graph.input('label_positions', 'int64', ['labelled']),
  labels: graph.input('labels', 'int64', ['labelled']),
})

/** What policy and value head say of the responses' tokens, [labelled] each. */
function actorCritic(tokens: ReturnType<typeof tokenInputs>, task: PpoTask) {
  const { config, stored, dtype = 'float32', ppo } = task
  const { graph } = tokens.inputIds
  const { parameters, adapters, trainable } = declareModel(graph, modelOf(task), stored, dtype)
  const before = graph.inputs.length
  const valueParameters = inputParameters(graph, valueHeadShapes(config), dtype)
  const valueTensors = graph.inputs.slice(before)

  const attend = causalAttention(config, tokens.attentionMask, dtype)
  const inputs = { input_ids: tokens.inputIds, position_ids: tokens.positionIds }
  const hidden = gather(gpt2(config, parameters, adapters, attend, inputs), tokens.labelPositions)
  const { logp, entropy } = graph.scope('lm_head', () =>
    tokenLogProbabilities(hidden, lmHead(config, parameters), tokens.labels, ppo.temperature),
  )
  const values = graph.scope('v_head', () => valueHead(hidden, valueParameters))
  return { logps: logp, values, entropies: entropy, trainable: [...trainable, ...valueTensors] }
}
