/**
 * NPT phase 1: plastic blocks learn to do what the model's own blocks do. Teacher and student are one graph and share the
 * frozen weights, so there is no second model in memory.
 * @module
 */
import { outputGradients } from '../autodiff.ts'
import { wideType } from '../ir/dtype.ts'
import type { Graph, Value } from '../ir/graph.ts'
import { causalMask } from '../layers/attention.ts'
import { cosineSimilarity } from '../layers/cosine_similarity.ts'
import type { PlasticBlock } from '../layers/npt.ts'
import { magnitude, modulation, updateNorms } from '../layers/npt.ts'
import { klDivergence } from '../losses/distillation.ts'
import { weightedSum } from '../losses/weighted_sum.ts'
import { factsOf } from '../models/family.ts'
import type { LanguageModel } from '../models/language_model.ts'
import { declareLanguageModel, languageTokens } from '../models/language_model.ts'
import type { NptConfig } from '../models/npt_config.ts'
import { nptShapes } from '../models/npt_config.ts'
import type { ParameterShapes } from '../models/parameters.ts'
import {
  add,
  concat,
  gemm,
  mul,
  reduceMean,
  reduceSum,
  reshape,
  sub,
  unsqueeze,
  widened,
} from '../ops/index.ts'
import { LOSS, taskGraph } from './task_graph.ts'

export interface EquivalenceTask extends Omit<LanguageModel, 'lora'> {
  readonly npt: NptConfig
  /**
   * What a plastic block is given. `teacher`: the hidden states of the model as it was, so that each block is matched by
   * itself. `student`: those that the plastic blocks before it make, so that the whole model is matched.
   */
  readonly hidden_states: 'teacher' | 'student'
  readonly equivalence_weight: number
  readonly low_magnitude_weight: number
  /** Of KL(teacher‖student) of the next token; with `student` only. 0 leaves the heads out. */
  readonly distillation_weight: number
}

/** The tensors that training changes. */
export const equivalenceShapes = ({ config, npt }: EquivalenceTask): ParameterShapes => nptShapes(config, npt)

/**
 * `input_ids`, `attention_mask`, `position_ids` int64 [batch, sequence], `token_weights` [batch, sequence] (1/(real tokens
 * of the optimizer step), 0 at padding) and the plastic tensors in; out come `loss`, `<tensor>_grad`, and to be logged
 * `equivalence` and `low_magnitude` [plastic blocks], and with distillation `distillation` [1].
 *
 * loss = w_eq·mean over blocks Σₜ wₜ·MSEₜ + w_low·mean over blocks (‖A‖_F + ‖B‖_F)/2 + w_kl·Σₜ wₜ·KLₜ
 */
export function equivalenceTrainingGraph(task: EquivalenceTask): Graph {
  const { graph, loss, terms, trainable } = forward('training', task)
  graph.output('loss', loss, LOSS)
  for (const [name, value] of Object.entries(terms)) graph.output(name, value, TERMS[name])
  outputGradients(loss, trainable, task.dtype)
  return graph
}

/**
 * The same inputs; the same terms out, and `cosine` [plastic blocks], the mean cosine of the two blocks' outputs, and
 * `update_norms` [plastic blocks, batch*sequence], ‖ΔW‖_F of every token.
 */
export function equivalenceEvaluationGraph(task: EquivalenceTask): Graph {
  const { graph, loss, terms, cosines, norms } = forward('eval', task)
  graph.output('loss', loss, LOSS)
  for (const [name, value] of Object.entries(terms)) graph.output(name, value, TERMS[name])
  graph.output(
    'cosine',
    stacked(cosines()),
    "of each plastic block the mean cosine of its output and the teacher's",
  )
  graph.output(
    'update_norms',
    concat(
      norms().map((norm) => unsqueeze(norm, 0)),
      0,
    ),
    '‖ΔW‖ of each plastic block and token',
  )
  return graph
}

/** Of each plastic block, but for the last. */
const TERMS: Readonly<Record<string, string>> = {
  equivalence: "Σ token_weights·the squared error of its output against the teacher's",
  low_magnitude: '(‖A‖ + ‖B‖)/2, times the weight of the batch',
  distillation: 'Σ token_weights·KL(teacher‖student) of the next token',
}

function forward(name: 'training' | 'eval', task: EquivalenceTask) {
  const { config, dtype = 'float32' } = task
  if (task.distillation_weight > 0 && task.hidden_states === 'teacher')
    throw new Error(
      'distillation needs hidden_states "student": only then do the plastic blocks reach the head',
    )
  const graph = taskGraph(
    name,
    'equivalence',
    'loss = equivalence_weight·mean equivalence + low_magnitude_weight·mean low_magnitude + distillation_weight·distillation',
  )
  const tokens = languageTokens(graph, task)
  const tokenWeights = graph.input(
    'token_weights',
    wideType(dtype),
    ['batch', 'sequence'],
    '1 / (tokens of the whole optimizer step), 0 at padding',
  )
  const model = declareLanguageModel(tokens, { ...task, lora: 'none' })
  const { plastic, trainable } = model
  const { layers } = factsOf(config)
  const { embed, attention, mlp, norm } = model.parts(model.masked(causalMask(tokens.attention_mask, dtype)))
  const weights = reshape(tokenWeights, ['batch*sequence'])

  // One walk up: the teacher's stream, and the student's from the first plastic block on.
  const pairs: { teacher: Value; student: Value; attended: Value; block: PlasticBlock }[] = []
  const { teacher, student } = graph.scope('transformer', () => {
    let teacher = embed()
    let student = teacher
    for (let layer = 0; layer < layers; layer++) {
      graph.scope(`h.${layer}`, () => {
        const block = plastic(layer)
        const attended = attention(teacher, layer)
        const next = mlp(teacher, attended, layer)
        const forced = task.hidden_states === 'teacher' || student === teacher
        const given = forced ? teacher : student
        let seen = attended
        const output =
          forced && !block
            ? next
            : graph.segment(forced ? [given, seen] : [given], () => {
                if (!forced) seen = attention(student, layer)
                return mlp(given, seen, layer, block)
              })
        if (block) pairs.push({ teacher: next, student: output, attended: seen, block })
        student = task.hidden_states === 'teacher' ? next : output
        teacher = next
      })
    }
    return { teacher, student }
  })

  const weighted = (perToken: Value) => weightedSum(perToken, weights)
  // MSEₜ = mean over features (student − teacher)²
  const errors = pairs.map(({ teacher, student }) => {
    const difference = sub(widened(student), widened(teacher))
    return weighted(reduceMean(mul(difference, difference), [-1], false))
  })
  const share = reduceSum(weights, [0], false)
  const magnitudes = pairs.map(({ block }) => mul(magnitude(block), share))
  const terms: Record<string, Value> = {
    equivalence: stacked(errors),
    low_magnitude: stacked(magnitudes),
  }
  const mean = (values: readonly Value[], factor: number) => mul(values.reduce(add), factor / values.length)
  let loss = add(mean(errors, task.equivalence_weight), mean(magnitudes, task.low_magnitude_weight))
  if (task.distillation_weight > 0) {
    const head = model.head()
    const logits = (h: Value) => gemm(norm(h), head, { transB: true })
    const kl = graph.scope('distillation', () => weighted(klDivergence(logits(teacher), logits(student))))
    terms['distillation'] = stacked([kl])
    loss = add(loss, mean([kl], task.distillation_weight))
  }
  return {
    graph,
    loss,
    terms,
    trainable,
    // Called by the evaluation graph alone: what is not asked for is not in the graph.
    cosines: () => pairs.map(({ teacher, student }) => weighted(cosineSimilarity(teacher, student))),
    norms: () => pairs.map(({ attended, block }) => updateNorms(modulation(attended, block), block)),
  }
}

/** [1] scalars side by side. */
const stacked = (scalars: readonly Value[]): Value =>
  concat(
    scalars.map((scalar) => unsqueeze(scalar, 0)),
    0,
  )
