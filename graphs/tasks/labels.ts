/**
 * Inputs that tasks share which predict tokens.
 * @module
 */
import type { FloatType } from '../ir/dtype.ts'
import { wideType } from '../ir/dtype.ts'
import type { Graph, Value } from '../ir/graph.ts'

export interface LabelInputs {
  /** Flat index of the position that predicts, int64 [labelled]. */
  readonly labelPositions: Value
  /** The token that is predicted, int64 [labelled]. */
  readonly labels: Value
}

/** Declares which tokens are predicted, and from where: `label_positions` and `labels`, int64 [labelled]. */
export const labelInputs = (graph: Graph): LabelInputs => ({
  labelPositions: graph.input(
    'label_positions',
    'int64',
    ['labelled'],
    'from where each label is predicted: the flat index b·sequence + t of the token before it',
  ),
  labels: graph.input('labels', 'int64', ['labelled'], 'the tokens that are predicted'),
})

/** Declares `label_weights` [labelled]. */
export const labelWeightsInput = (graph: Graph, dtype: FloatType): Value =>
  graph.input(
    'label_weights',
    wideType(dtype),
    ['labelled'],
    'what each label weighs in the loss: 1 / (labels of the whole optimizer step)',
  )
