/**
 * The graphs of group relative policy optimization and of RLOO: a policy over the tokens of completions.
 * @module
 */
import { outputGradients } from '../autodiff.ts'
import { wideType } from '../ir/dtype.ts'
import type { Graph } from '../ir/graph.ts'
import { causalMask } from '../layers/attention.ts'
import { detached } from '../layers/detached.ts'
import type { GrpoLoss } from '../losses/grpo.ts'
import { grpoLoss, importanceRatios } from '../losses/grpo.ts'
import { tokenLogProbabilities } from '../losses/token_log_probabilities.ts'
import { weightedSum } from '../losses/weighted_sum.ts'
import type { LanguageModel } from '../models/language_model.ts'
import { declareLanguageModel, languageTokens } from '../models/language_model.ts'
import { filledLike, gather, greater, sub, where } from '../ops/index.ts'
import { labelInputs } from './labels.ts'
import { LOSS, taskGraph } from './task_graph.ts'

export interface GrpoTask extends Omit<LanguageModel, 'npt'> {
  readonly grpo: GrpoLoss
}

/**
 * Batch and trainable tensors in. The batch: `input_ids`, `attention_mask`, `position_ids` int64 [rows, sequence], a prompt and
 * its completion in each row; of the completions' tokens `label_positions` (flat index of the predicting position) and `labels`
 * int64 [labelled]; `old_logps`, `advantages` and `token_weights` [labelled]; `on_policy`, a scalar: 1 where the policy still is the
 * one that wrote the completions, whose `old_logps` are then not read. Where ρ is of sequences also `label_rows` int64 [labelled] and
 * `sequence_weights` [rows]; where β is above 0 `reference_logps` [labelled].
 *
 * Out come `loss` = Σ token_weights·loss of the token, `logps` and `entropies` [labelled], and `<tensor>_grad`.
 */
export function grpoTrainingGraph(task: GrpoTask): Graph {
  const { dtype = 'float32', grpo } = task
  const graph = taskGraph('training', 'grpo', 'loss = Σ token_weights·loss of the token')
  const tokens = completionTokens(graph, task)
  const wide = wideType(dtype)
  const perToken = (name: string, doc: string) => graph.input(name, wide, ['labelled'], doc)
  const given = perToken('old_logps', '`logps` of the policy that wrote the completions')
  const onPolicy = graph.input(
    'on_policy',
    wide,
    [],
    '1: that policy is this one; 0: it is as `old_logps` say',
  )
  const advantages = perToken('advantages', "A of each token's completion")
  const weights = perToken('token_weights', 'what each token weighs in the loss')
  const summed = grpo.importance_sampling_level === 'sequence' && {
    rows: graph.input('label_rows', 'int64', ['labelled'], 'the row of each label'),
    weights: graph.input('sequence_weights', wide, ['rows'], 'what Σ log ρ of a completion weighs'),
  }
  const reference =
    grpo.beta === 0
      ? null
      : perToken(
          'reference_logps',
          '`logps` of the reference that the policy diverges from, at the same tokens',
        )
  const { logps, entropies, trainable } = policy(tokens, task)

  const loss = graph.scope('grpo', () => {
    const old = where(greater(onPolicy, 0.5), detached(logps), given)
    const ratios = importanceRatios(
      sub(logps, old),
      summed ? { ...summed, zeros: filledLike(0, summed.weights) } : null,
    )
    return weightedSum(grpoLoss({ logps, ratios, advantages, reference }, grpo), weights)
  })
  graph.output('loss', loss, LOSS)
  graph.output('logps', logps, docs.logps)
  graph.output('entropies', entropies, docs.entropies)
  outputGradients(loss, trainable, dtype)
  return graph
}

/**
 * The same tokens and tensors in; `logps` and `entropies` [labelled] out. With `lora_scale` 0, or the reference's weights, its
 * `logps` are the reference's.
 */
export function grpoEvaluationGraph(task: GrpoTask): Graph {
  const graph = taskGraph('eval', 'grpo', 'log-probabilities and entropies of completions')
  const { logps, entropies } = policy(completionTokens(graph, task), task)
  graph.output('logps', logps, docs.logps)
  graph.output('entropies', entropies, docs.entropies)
  return graph
}

/** Of the tokens of completions. */
const docs = {
  logps: 'log π of each token of the completions, at the temperature that they were drawn at',
  entropies: 'the entropy of the next token where each is predicted, in nats',
} as const

const completionTokens = (graph: Graph, task: GrpoTask) => ({
  tokens: languageTokens(graph, task, 'rows'),
  ...labelInputs(graph),
})

/** What the policy says of the completions' tokens, [labelled] each. */
function policy({ tokens, labelPositions, labels }: ReturnType<typeof completionTokens>, task: GrpoTask) {
  const { dtype = 'float32', grpo } = task
  const { graph } = tokens.input_ids
  const model = declareLanguageModel(tokens, task)
  const hidden = gather(model.hidden(model.masked(causalMask(tokens.attention_mask, dtype))), labelPositions)
  const { logp, entropy } = graph.scope('lm_head', () =>
    tokenLogProbabilities(hidden, model.head(), labels, grpo.temperature),
  )
  return { logps: logp, entropies: entropy, trainable: model.trainable }
}
