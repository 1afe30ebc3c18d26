/**
 * The graphs of sequence classification: an encoder's pooled vector, dropout, a linear head.
 * @module
 */
import { outputGradients } from '../autodiff.ts'
import type { FloatType } from '../ir/dtype.ts'
import { wideType } from '../ir/dtype.ts'
import type { ExternalData } from '../ir/graph.ts'
import { Graph } from '../ir/graph.ts'
import { crossEntropy } from '../losses/cross_entropy.ts'
import { weightedSum } from '../losses/weighted_sum.ts'
import { factsOf } from '../models/family.ts'
import type { EncoderTask } from '../models/encoder.ts'
import {
  declareEncoder,
  encoderInputs,
  encoderShapes,
  headShapes,
  inferenceInputs,
  linearHead,
} from '../models/encoder.ts'
import type { LoraConfig } from '../models/lora_config.ts'
import type { ParameterShapes } from '../models/parameters.ts'
import { mul } from '../ops/index.ts'
import { dropoutMask } from './dropout_mask.ts'
import { LOSS, taskGraph } from './task_graph.ts'

export interface ClassificationTask extends EncoderTask {
  readonly classes: number
  /** Probability of dropping a pooled feature; above 0 the training graph takes `dropout_mask`. */
  readonly dropout: number
  /** Where each frozen parameter lies in the model's weight file; absent: they are inputs too. */
  readonly stored?: ReadonlyMap<string, ExternalData> | undefined
  readonly dtype?: FloatType
  /** ε of label smoothing in training, 0 where nothing is said; see {@link crossEntropy}. */
  readonly label_smoothing_factor?: number | undefined
}

/** The tensors that training changes, in the order of the graph's inputs; the head comes last. */
export const classificationShapes = (task: ClassificationTask): ParameterShapes =>
  new Map([...encoderShapes(task), ...headShapes(task.config, task.classes)])

/**
 * Batch and trainable tensors in; `loss` and `<tensor>_grad` out. The batch: the encoder's inputs, see `EncoderInputs`;
 * `labels` int64 [batch]; `label_weights` [batch]; with dropout p `dropout_mask` [batch, width], 0 with probability p and
 * else 1/(1 − p). loss = Σ label_weights·nll.
 */
export function classificationTrainingGraph(task: ClassificationTask): Graph {
  const { graph, nll, labelWeights, trainable } = forward('training', task, task.dropout > 0)
  const loss = weightedSum(nll, labelWeights)
  graph.output('loss', loss, LOSS)
  outputGradients(loss, trainable, task.dtype)
  return graph
}

/** The same inputs but the dropout; `loss` and `logits` [batch, classes] out. */
export function classificationEvaluationGraph(task: ClassificationTask): Graph {
  const { graph, logits, nll, labelWeights } = forward('eval', task, false)
  graph.output('loss', weightedSum(nll, labelWeights), LOSS)
  graph.output('logits', logits, LOGITS)
  return graph
}

const LOGITS = 'one number per class, of which softmax makes probabilities'

function forward(name: 'training' | 'eval', task: ClassificationTask, drops: boolean) {
  const { config, classes, stored, dtype = 'float32', label_smoothing_factor = 0 } = task
  const smoothing = name === 'training' ? label_smoothing_factor : 0
  const graph = taskGraph(name, 'classification', 'loss = Σ label_weights·nll of the class')
  const inputs = encoderInputs(graph, task)
  const labels = graph.input('labels', 'int64', ['batch'], "the number of each text's class, from 0")
  const labelWeights = graph.input(
    'label_weights',
    wideType(dtype),
    ['batch'],
    'what each text weighs in the loss: 1 / (texts of the whole optimizer step)',
  )
  const mask = drops ? dropoutMask(graph, factsOf(config).width, dtype) : undefined
  const encoder = declareEncoder(graph, task, stored, dtype, inputs)
  const pooled = mask ? mul(encoder.pooled, mask) : encoder.pooled
  const head = linearHead(graph, pooled, config, classes, undefined, dtype)
  const nll = graph.scope('loss', () => crossEntropy(head.logits, labels, smoothing))
  return {
    graph,
    logits: head.logits,
    nll,
    labelWeights,
    trainable: [...encoder.trainable, ...head.trainable],
  }
}

export interface ClassifierTask extends Pick<ClassificationTask, 'config' | 'classes' | 'pooling' | 'npt'> {
  /** Where the parameters lie; absent: every parameter is an input. */
  readonly stored?: ReadonlyMap<string, ExternalData> | undefined
  /** With adapters, their tensors and `lora_scale` are inputs. */
  readonly lora?: LoraConfig | 'none'
}

/**
 * Inference: `input_ids`, `attention_mask` and for BERT `token_type_ids`, int64 [batch, sequence], in, padded on the right;
 * `logits` [batch, classes] out. The head is an input where `stored` does not have it.
 */
export function classifierGraph({ lora = 'none', stored, ...task }: ClassifierTask): Graph {
  const graph = new Graph('classifier', 'a classifier of texts')
  const inputs = inferenceInputs(graph, task)
  const { pooled } = declareEncoder(graph, { ...task, lora }, stored, 'float32', inputs)
  graph.output('logits', linearHead(graph, pooled, task.config, task.classes, stored).logits, LOGITS)
  return graph
}
