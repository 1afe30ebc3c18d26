/**
 * NPT phase 3: what a context's tokens modulate is folded into one lasting update, ΔW̄ = A·diag(m̄)·B with
 * m̄ = Σₜ wₜ·mₜ, mₜ = s·tanh(aₜ·A). Plastic blocks are trained so that a model that was changed by a text remembers that text, and
 * is as it was on others.
 * @module
 */
import { outputGradients } from '../autodiff.ts'
import { wideType } from '../ir/dtype.ts'
import type { Value } from '../ir/graph.ts'
import { Graph } from '../ir/graph.ts'
import { causalMask } from '../layers/attention.ts'
import type { PlasticBlocks } from '../layers/npt.ts'
import { modulation, noPlasticBlocks } from '../layers/npt.ts'
import { tokenNegativeLogLikelihood } from '../losses/negative_log_likelihood.ts'
import { klDivergence } from '../losses/distillation.ts'
import { weightedSum } from '../losses/weighted_sum.ts'
import { factsOf } from '../models/family.ts'
import type { LanguageModel } from '../models/language_model.ts'
import { declareLanguageModel, languageTokens } from '../models/language_model.ts'
import type { NptConfig } from '../models/npt_config.ts'
import { plasticLayers } from '../models/npt_config.ts'
import { entering } from '../models/parameters.ts'
import {
  add,
  concat,
  expandLike,
  gather,
  gemm,
  mul,
  reduceSum,
  reshape,
  unsqueeze,
  widened,
} from '../ops/index.ts'
import { labelInputs, labelWeightsInput } from './labels.ts'
import { LOSS, taskGraph } from './task_graph.ts'

export interface ConsolidationTask extends Omit<LanguageModel, 'lora'> {
  readonly npt: NptConfig
  /** Of KL(model as it was‖model changed by another text), per token. */
  readonly damage_weight: number
}

/**
 * The batch and plastic tensors in: `input_ids`, `attention_mask`, `position_ids` int64 [batch, sequence]; `label_positions`,
 * `labels` int64 and `label_weights` [labelled]; `fold_weights` [batch, sequence], the w of each text's tokens; `others`
 * int64 [batch], for each text another one of the batch. Out come `loss`, `<tensor>_grad`, and of the labelled tokens
 * `before`, `after` (the text's own update) and `damage` [1].
 *
 * loss = Σ label_weights·nll(text | its own ΔW̄) + damage_weight·Σ label_weights·KL(no ΔW̄‖another text's ΔW̄)
 */
export function consolidationTrainingGraph(task: ConsolidationTask): Graph {
  const { graph, loss, terms, trainable } = forward('training', task)
  graph.output('loss', loss, LOSS)
  for (const [name, value] of Object.entries(terms))
    graph.output(name, value, TERMS[name as keyof typeof terms])
  outputGradients(loss, trainable, task.dtype)
  return graph
}

/** The same inputs and terms, without gradients. */
export function consolidationEvaluationGraph(task: ConsolidationTask): Graph {
  const { graph, loss, terms } = forward('eval', task)
  graph.output('loss', loss, LOSS)
  for (const [name, value] of Object.entries(terms))
    graph.output(name, value, TERMS[name as keyof typeof terms])
  return graph
}

/**
 * What a text would fold: `input_ids`, `attention_mask`, `position_ids`, `fold_weights` and the plastic tensors in;
 * `modulations` [plastic blocks, batch, rank], m̄ of each block, out.
 */
export function plasticGraph(task: Omit<ConsolidationTask, 'damage_weight'>): Graph {
  const graph = new Graph('plastic', 'what texts would fold into plastic blocks')
  const { layers, folded } = contextPass(graph, task)
  graph.output(
    'modulations',
    concat(
      layers.map((layer) => unsqueeze(folded.get(layer)!, 0)),
      0,
    ),
    'm̄ of each plastic block and text',
  )
  return graph
}

const FOLD_WEIGHTS = 'w of each token in m̄ = Σₜ wₜ·mₜ, 0 at padding'

const TERMS = {
  before: 'Σ label_weights·nll of the model as it is',
  after: 'the same of the model that its own text has changed',
  damage: 'Σ label_weights·KL(the model as it is‖changed by another text)',
} as const

/** The model as it is reads the texts, and each block's modulations are folded. */
function contextPass(graph: Graph, task: Omit<ConsolidationTask, 'damage_weight'>) {
  const { config, npt, dtype = 'float32' } = task
  const tokens = languageTokens(graph, task)
  const foldWeights = graph.input('fold_weights', wideType(dtype), ['batch', 'sequence'], FOLD_WEIGHTS)
  // [batch, sequence, rank], each weight as often as it is needed
  const weights = mul(
    unsqueeze(foldWeights, 2),
    graph.constant(new Array<number>(npt.rank).fill(1), foldWeights.dtype),
  )
  const model = declareLanguageModel(tokens, { ...task, lora: 'none' })
  const { plastic, trainable, head } = model
  const parts = model.parts(model.masked(causalMask(tokens.attention_mask, dtype)))

  const run = (blocks: PlasticBlocks, attended?: Map<number, Value>): Value => {
    let h = parts.embed()
    for (let layer = 0; layer < factsOf(config).layers; layer++) {
      h = graph.segment([h], () => {
        const a = parts.attention(h, layer)
        attended?.set(layer, a)
        return parts.mlp(h, a, layer, blocks(layer))
      })
    }
    return parts.norm(h)
  }
  const attended = new Map<number, Value>()
  const hidden = graph.scope('context', () => run(noPlasticBlocks, attended))
  const layers = plasticLayers(config, npt)
  const folded = new Map(
    layers.map((layer) => {
      const m = modulation(attended.get(layer)!, plastic(layer)!)
      return [layer, reduceSum(mul(weights, widened(reshape(m, weights.shape))), [1], false)] as const
    }),
  )

  /** The hidden states of a model that was changed by each text's m̄ [batch, rank]. */
  const changed = (scope: string, of: (m: Value) => Value): Value =>
    graph.scope(scope, () =>
      run((layer) => {
        const block = plastic(layer)
        const m = folded.get(layer)
        if (!block || !m) return undefined
        const everyToken = expandLike(unsqueeze(of(m), 1), weights)
        return {
          ...block,
          attentionResidual: true,
          modulation: entering(reshape(everyToken, ['batch*sequence', npt.rank]), dtype),
        }
      }),
    )
  return { head, trainable, layers, folded, hidden, changed }
}

function forward(name: 'training' | 'eval', task: ConsolidationTask) {
  const formula = 'loss = after + damage_weight·damage'
  const graph = taskGraph(name, 'consolidation', formula)
  const { head: languageHead, trainable, hidden, changed } = contextPass(graph, task)
  const { dtype = 'float32' } = task
  const { labelPositions, labels } = labelInputs(graph)
  const labelWeights = labelWeightsInput(graph, dtype)
  const others = graph.input(
    'others',
    'int64',
    ['batch'],
    'for each text the number of another one of the batch',
  )
  const head = languageHead()
  const labelled = (h: Value) => gather(h, labelPositions)
  const nll = (h: Value) => weightedSum(tokenNegativeLogLikelihood(labelled(h), head, labels), labelWeights)

  const after = nll(changed('own', (m) => m))
  const logits = (h: Value) => gemm(labelled(h), head, { transB: true })
  const byAnother = changed('another', (m) => gather(m, others))
  const damage = weightedSum(klDivergence(logits(hidden), logits(byAnother)), labelWeights)
  return {
    graph,
    trainable,
    loss: add(after, mul(damage, task.damage_weight)),
    terms: { before: unsqueeze(nll(hidden), 0), after: unsqueeze(after, 0), damage: unsqueeze(damage, 0) },
  }
}
