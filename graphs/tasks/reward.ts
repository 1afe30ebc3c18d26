/**
 * The graphs of a reward model: a classifier with one class, whose logit is the score, trained on pairs.
 * @module
 */
import { outputGradients } from '../autodiff.ts'
import type { FloatType } from '../ir/dtype.ts'
import { wideType } from '../ir/dtype.ts'
import type { ExternalData, Graph, Value } from '../ir/graph.ts'
import { bradleyTerry } from '../losses/bradley_terry.ts'
import { weightedSum } from '../losses/weighted_sum.ts'
import { factsOf } from '../models/family.ts'
import type { EncoderTask } from '../models/encoder.ts'
import { declareEncoder, encoderInputs, encoderShapes, headShapes, linearHead } from '../models/encoder.ts'
import type { ParameterShapes } from '../models/parameters.ts'
import { add, cast, concat, gather, mul, positions } from '../ops/index.ts'
import { dropoutMask } from './dropout_mask.ts'
import { pairWeightsInput } from './pairs.ts'
import { LOSS, taskGraph } from './task_graph.ts'

export interface RewardTask extends Omit<EncoderTask, 'npt'> {
  /** Probability of dropping a pooled feature; above 0 the training graph takes `dropout_mask`. */
  readonly dropout: number
  /** c of {@link bradleyTerry}. */
  readonly center_rewards_coefficient: number
  /** Where each frozen parameter lies in the model's weight file; absent: they are inputs too. */
  readonly stored?: ReadonlyMap<string, ExternalData> | undefined
  readonly dtype?: FloatType
}

/** The tensors that training changes, in the order of the graph's inputs; the head comes last. */
export const rewardShapes = (task: RewardTask): ParameterShapes =>
  new Map([...encoderShapes(task), ...headShapes(task.config, 1)])

/**
 * Batch and trainable tensors in; `loss`, `scores` [pairs, 2], the chosen answer's first, and `<tensor>_grad` out. The batch: the
 * encoder's inputs, see `EncoderInputs`, with the answers of pair p in the rows 2p, the chosen one, and 2p + 1; `margins` and
 * `pair_weights` [pairs]; with dropout p `dropout_mask` [batch, width], 0 with probability p and else 1/(1 − p).
 * loss = Σ pair_weights·loss of the pair.
 */
export function rewardTrainingGraph(task: RewardTask): Graph {
  const { graph, loss, trainable } = forward('training', task, task.dropout > 0)
  outputGradients(loss, trainable, task.dtype)
  return graph
}

/** The same inputs but the dropout; `loss` and `scores` out. */
export const rewardEvaluationGraph = (task: RewardTask): Graph => forward('eval', task, false).graph

function forward(name: 'training' | 'eval', task: RewardTask, drops: boolean) {
  const { config, stored, dtype = 'float32' } = task
  const graph = taskGraph(name, 'reward', 'loss = Σ pair_weights·(−log σ(s₊ − s₋ − margin) + c·(s₊ + s₋)²)')
  const inputs = encoderInputs(graph, task)
  const margins = graph.input(
    'margins',
    wideType(dtype),
    ['pairs'],
    "by how much the chosen answer's score is to be the higher one; 0 where nothing is known. The answers of pair p are the sequences 2p, the chosen one, and 2p + 1",
  )
  const pairWeights = pairWeightsInput(graph, dtype)
  const mask = drops ? dropoutMask(graph, factsOf(config).width, dtype) : undefined
  const encoder = declareEncoder(graph, task, stored, dtype, inputs)
  const pooled = mask ? mul(encoder.pooled, mask) : encoder.pooled
  const head = linearHead(graph, pooled, config, 1, undefined, dtype)

  const { scores, loss } = graph.scope('loss', () => {
    const scores = inPairs(head.logits, margins)
    const perPair = bradleyTerry(scores, margins, task.center_rewards_coefficient)
    return { scores, loss: weightedSum(perPair, pairWeights) }
  })
  graph.output('loss', loss, LOSS)
  graph.output('scores', scores, "the scores of each pair's answers, the chosen one's first")
  return { graph, loss, trainable: [...encoder.trainable, ...head.trainable] }
}

/** [batch, 1] → [pairs, 2]: the rows 2p and 2p + 1 side by side, p counting the rows of `pairs`. */
function inPairs(x: Value, pairs: Value): Value {
  const chosen = mul(positions(pairs, 0), 2)
  const rows = (numbers: Value) => gather(x, cast(numbers, 'int32'))
  return concat([rows(chosen), rows(add(chosen, 1))], 1)
}
