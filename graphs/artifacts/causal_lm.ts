/**
 * The training and evaluation graphs of causal language modelling.
 * @module
 */
import { outputGradients } from '../autodiff.ts'
import type { FloatType } from '../ir/dtype.ts'
import type { ExternalData } from '../ir/graph.ts'
import { Graph } from '../ir/graph.ts'
import { tokenNegativeLogLikelihood } from '../losses/causal_lm.ts'
import { weightedSum } from '../losses/weighted_sum.ts'
import type { Adaptation, AdaptedModel } from '../models/adaptation.ts'
import { adaptedShapes, declareModel } from '../models/adaptation.ts'
import { causalAttention, gpt2, lmHead } from '../models/gpt2.ts'
import type { Gpt2Config } from '../models/gpt2_config.ts'
import { gpt2ParameterShapes } from '../models/gpt2_config.ts'
import type { NptConfig } from '../models/npt_config.ts'
import type { ParameterShapes } from '../models/parameters.ts'
import { gather } from '../ops/index.ts'

/**
 * What is trained, by default every parameter. `stored` says where each frozen parameter lies in the model's weight file;
 * without it every parameter is an input.
 */
export interface CausalLmTask {
  readonly config: Gpt2Config
  /** Plastic blocks, which are trained beside what `lora` says. */
  readonly npt?: NptConfig | null
  readonly lora?: Adaptation
  readonly stored?: ReadonlyMap<string, ExternalData>
  readonly dtype?: FloatType
}

/** The tensors that training changes, in the order of the graph's inputs. */
export const trainableShapes = (task: CausalLmTask): ParameterShapes => adaptedShapes(modelOf(task))

const modelOf = ({ config, lora = 'full', npt }: CausalLmTask): AdaptedModel => ({
  config,
  shapes: gpt2ParameterShapes(config),
  lora,
  ...(npt ? { npt } : {}),
})

/**
 * Batch and trainable tensors in; `loss` and `<parameter>_grad` out. The batch: `input_ids`, `attention_mask`,
 * `position_ids` int64 [batch, sequence]; `label_positions` (flat index of the predicting position) and `labels`
 * int64 [labelled]; `label_weights` [labelled]. loss = Σ label_weights·nll. Where a sequence packs several examples, the
 * attention mask numbers them from 1; see {@link causalMask}.
 */
export function trainingGraph(task: CausalLmTask): Graph {
  const { graph, nll, labelWeights, trainable } = forward('training', task)
  const loss = weightedSum(nll, labelWeights)
  graph.output('loss', loss)
  outputGradients(loss, trainable)
  return graph
}

/** The same inputs; `loss` and the single `nll` [labelled] out. */
export function evaluationGraph(task: CausalLmTask): Graph {
  const { graph, nll, labelWeights } = forward('eval', task)
  graph.output('loss', weightedSum(nll, labelWeights))
  graph.output('nll', nll)
  return graph
}

function forward(name: string, task: CausalLmTask) {
  const { config, stored, dtype = 'float32' } = task
  const graph = new Graph(name)
  const inputIds = graph.input('input_ids', 'int64', ['batch', 'sequence'])
  const attentionMask = graph.input('attention_mask', 'int64', ['batch', 'sequence'])
  const positionIds = graph.input('position_ids', 'int64', ['batch', 'sequence'])
  const labelPositions = graph.input('label_positions', 'int64', ['labelled'])
  const labels = graph.input('labels', 'int64', ['labelled'])
  const labelWeights = graph.input('label_weights', dtype, ['labelled'])
  const { parameters, adapters, plastic, trainable } = declareModel(graph, modelOf(task), stored, dtype)

  const attend = causalAttention(config, attentionMask, dtype)
  const tokens = { input_ids: inputIds, position_ids: positionIds }
  const hidden = gpt2(config, parameters, adapters, attend, tokens, plastic)
  const nll = graph.scope('lm_head', () =>
    tokenNegativeLogLikelihood(gather(hidden, labelPositions), lmHead(config, parameters), labels),
  )
  return { graph, nll, labelWeights, trainable }
}
