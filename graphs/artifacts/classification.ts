/**
 * The graphs of sequence classification: GPT-2, one pooled vector per sequence, dropout, a linear head.
 * @module
 */
import { gradients } from '../autodiff.ts'
import type { FloatType } from '../ir/dtype.ts'
import type { ExternalData, Value } from '../ir/graph.ts'
import { Graph } from '../ir/graph.ts'
import type { Pooling } from '../layers/pooling.ts'
import { maskedMean } from '../layers/pooling.ts'
import { weightedSum } from '../losses/causal_lm.ts'
import { crossEntropy } from '../losses/cross_entropy.ts'
import type { Adaptation, AdaptedModel, DeclaredModel } from '../models/adaptation.ts'
import { adaptedShapes, declareModel } from '../models/adaptation.ts'
import { backboneShapes, HEAD, headShapes } from '../models/classifier.ts'
import { causalAttention, gpt2 } from '../models/gpt2.ts'
import type { Gpt2Config } from '../models/gpt2_config.ts'
import type { LoraConfig } from '../models/lora_config.ts'
import type { NptConfig } from '../models/npt_config.ts'
import type { ParameterShapes } from '../models/parameters.ts'
import { inputParameters } from '../models/parameters.ts'
import { add } from '../ops/add.ts'
import { gather } from '../ops/gather.ts'
import { gemm } from '../ops/gemm.ts'
import { mul } from '../ops/mul.ts'
import { range } from '../ops/range.ts'
import { reduceMax } from '../ops/reduce_max.ts'
import { dimension } from '../ops/shape.ts'
import { reshape } from '../ops/reshape.ts'
import { expandLike } from '../ops/expand.ts'
import { unsqueeze } from '../ops/unsqueeze.ts'

export interface ClassificationTask {
  readonly config: Gpt2Config
  /** What is trained beside the head. */
  readonly lora: Adaptation
  /** Plastic blocks, which are trained too. */
  readonly npt?: NptConfig | null
  readonly classes: number
  readonly pooling: Pooling
  /** Probability of dropping a pooled feature; above 0 the training graph takes `dropout_mask`. */
  readonly dropout: number
  /** Where each frozen parameter lies in the model's weight file; absent: they are inputs too. */
  readonly stored?: ReadonlyMap<string, ExternalData> | undefined
  readonly dtype?: FloatType
}

/** The tensors that training changes, in the order of the graph's inputs; the head comes last. */
export const classificationShapes = (task: ClassificationTask): ParameterShapes =>
  new Map([...adaptedShapes(modelOf(task)), ...headShapes(task.config, task.classes)])

const modelOf = ({
  config,
  lora,
  npt,
}: Pick<ClassificationTask, 'config' | 'lora' | 'npt'>): AdaptedModel => ({
  config,
  shapes: backboneShapes(config),
  lora,
  ...(npt ? { npt } : {}),
})

/**
 * Batch and trainable tensors in; `loss` and `<tensor>_grad` out. The batch: `input_ids`, `attention_mask`, `position_ids`
 * int64 [batch, sequence]; `labels` int64 [batch]; `label_weights` [batch]; with pooling `last` `pool_positions` int64
 * [batch], the flat index b·sequence + t of each last token; with dropout p `dropout_mask` [batch, n_embd], 0 with
 * probability p and else 1/(1 − p). loss = Σ label_weights·nll.
 */
export function classificationTrainingGraph(task: ClassificationTask): Graph {
  const { graph, nll, labelWeights, trainable } = supervised('training', task, task.dropout > 0)
  const loss = weightedSum(nll, labelWeights)
  graph.output('loss', loss)
  for (const [value, gradient] of gradients(loss, trainable)) graph.output(`${value.name}_grad`, gradient)
  return graph
}

/** The same inputs but the dropout; `loss` and `logits` [batch, classes] out. */
export function classificationEvaluationGraph(task: ClassificationTask): Graph {
  const { graph, logits, nll, labelWeights } = supervised('eval', task, false)
  graph.output('loss', weightedSum(nll, labelWeights))
  graph.output('logits', logits)
  return graph
}

function supervised(name: string, task: ClassificationTask, drops: boolean) {
  const { config, classes, pooling, stored, dtype = 'float32' } = task
  const graph = new Graph(name)
  const tokens = tokenInputs(graph)
  const positionIds = graph.input('position_ids', 'int64', ['batch', 'sequence'])
  const poolPositions = pooling === 'last' ? graph.input('pool_positions', 'int64', ['batch']) : undefined
  const labels = graph.input('labels', 'int64', ['batch'])
  const labelWeights = graph.input('label_weights', dtype, ['batch'])
  const dropoutMask = drops ? graph.input('dropout_mask', dtype, ['batch', config.n_embd]) : undefined
  const model = declareModel(graph, modelOf(task), stored, dtype)
  const score = inputParameters(graph, headShapes(config, classes), dtype)(HEAD)

  const hidden = states(config, model, tokens, positionIds, dtype)
  const { logits, nll } = graph.scope('score', () => {
    const pooled = poolPositions ? gather(hidden, poolPositions) : maskedMean(hidden, tokens.attentionMask)
    const logits = gemm(dropoutMask ? mul(pooled, dropoutMask) : pooled, score, { transB: true })
    return { logits, nll: crossEntropy(logits, labels) }
  })
  return { graph, logits, nll, labelWeights, trainable: [...model.trainable, score] }
}

export interface ClassifierTask extends Pick<ClassificationTask, 'config' | 'classes' | 'pooling' | 'npt'> {
  /** Where the parameters lie; absent: every parameter is an input. */
  readonly stored?: ReadonlyMap<string, ExternalData> | undefined
  /** With adapters, their tensors and `lora_scale` are inputs. */
  readonly lora?: LoraConfig | 'none'
}

/**
 * Inference: `input_ids`, `attention_mask` int64 [batch, sequence] in, padded on the right; `logits` [batch, classes] out.
 * The head is an input where `stored` does not have it.
 */
export function classifierGraph({ config, classes, pooling, stored, lora = 'none', npt }: ClassifierTask): Graph {
  const graph = new Graph('classifier')
  const tokens = tokenInputs(graph)
  const model = declareModel(graph, modelOf({ config, lora, npt }), stored)
  const shapes = headShapes(config, classes)
  const headData = stored?.get(HEAD)
  const score = headData
    ? graph.initializer(HEAD, 'float32', shapes.get(HEAD)!, headData)
    : inputParameters(graph, shapes)(HEAD)

  const positionIds = expandLike(unsqueeze(range(tokens.inputIds, 'sequence'), 0), tokens.inputIds)
  const hidden = states(config, model, tokens, positionIds, 'float32')
  const pooled =
    pooling === 'last' ? gather(hidden, lastPositions(tokens)) : maskedMean(hidden, tokens.attentionMask)
  graph.output('logits', gemm(pooled, score, { transB: true }))
  return graph
}

/** The flat index of each sequence's last real token: b·sequence + max over t of t·mask[b, t]. */
function lastPositions({ inputIds, attentionMask }: Tokens): Value {
  const last = reduceMax(mul(unsqueeze(range(inputIds, 'sequence'), 0), attentionMask), [1], false)
  return add(mul(range(inputIds, 'batch'), reshape(dimension(inputIds, 'sequence'), [])), last)
}

interface Tokens {
  readonly inputIds: Value
  readonly attentionMask: Value
}

const tokenInputs = (graph: Graph): Tokens => ({
  inputIds: graph.input('input_ids', 'int64', ['batch', 'sequence']),
  attentionMask: graph.input('attention_mask', 'int64', ['batch', 'sequence']),
})

/** The hidden states of all tokens. [batch*sequence, n_embd] */
const states = (
  config: Gpt2Config,
  { parameters, adapters, plastic }: DeclaredModel,
  { inputIds, attentionMask }: Tokens,
  positionIds: Value,
  dtype: FloatType,
): Value =>
  gpt2(
    config,
    parameters,
    adapters,
    causalAttention(config, attentionMask, dtype),
    { input_ids: inputIds, position_ids: positionIds },
    plastic,
  )
