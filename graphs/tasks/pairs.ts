/**
 * What graphs that learn from pairs of answers share. A pair is one sequence, its prompt followed by both answers, so that the
 * prompt is computed once; see {@link answersMask}.
 * @module
 */
import type { FloatType } from '../ir/dtype.ts'
import { wideType } from '../ir/dtype.ts'
import type { Graph, Value } from '../ir/graph.ts'
import { answersMask } from '../layers/attention.ts'
import type { Tokens } from '../models/family.ts'
import type { LanguageModel } from '../models/language_model.ts'
import { declareLanguageModel, languageTokens } from '../models/language_model.ts'
import { gather } from '../ops/index.ts'
import type { LabelInputs } from './labels.ts'
import { labelInputs } from './labels.ts'

/** A model that learns from pairs. */
export type PairModel = Omit<LanguageModel, 'npt'>

export interface PairInputs extends LabelInputs {
  readonly tokens: Tokens
  /** Whose token it is: 2·pair, and 1 more in the rejected answer; int64 [labelled]. */
  readonly labelAnswers: Value
}

/**
 * Declares the tokens of pairs: `input_ids`, `attention_mask` (0 at padding, 1 in the prompt, 2 in the chosen and 3 in the
 * rejected answer), `position_ids` (either answer's go on from the prompt's) int64 [pairs, sequence]; `label_positions`, `labels`
 * and `label_answers` int64 [labelled].
 */
export function pairInputs(graph: Graph, model: PairModel): PairInputs {
  return {
    tokens: languageTokens(graph, model, 'pairs', 'sequence', MASK),
    ...labelInputs(graph),
    labelAnswers: graph.input(
      'label_answers',
      'int64',
      ['labelled'],
      'whose token each label is: 2·pair, and 1 more in the rejected answer',
    ),
  }
}

const MASK =
  "0 at padding, 1 in the prompt, 2 in the chosen answer, 3 in the rejected one; either answer's positions go on from the prompt's"

/** Declares `pair_weights` [pairs]. */
export const pairWeightsInput = (graph: Graph, dtype: FloatType): Value =>
  graph.input(
    'pair_weights',
    wideType(dtype),
    ['pairs'],
    'what each pair weighs in the loss: 1 / (pairs of the whole optimizer step)',
  )

export interface ReadPairs {
  /** The inputs that training changes. */
  readonly trainable: readonly Value[]
  /** The rows that predict, [labelled, width]. */
  readonly hidden: Value
  /** [vocabulary, width] */
  readonly head: Value
}

/** Declares the model, after all other inputs, and reads the pairs with it. */
export function readPairs({ tokens, labelPositions }: PairInputs, task: PairModel): ReadPairs {
  const { dtype = 'float32' } = task
  const model = declareLanguageModel(tokens, task)
  const attend = model.masked(answersMask(tokens.attention_mask, dtype))
  const hidden = gather(model.hidden(attend), labelPositions)
  return { trainable: model.trainable, hidden, head: model.head() }
}
