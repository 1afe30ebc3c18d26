/** @module */
import type { FloatType } from '../ir/dtype.ts'
import { wideType } from '../ir/dtype.ts'
import type { Graph, Value } from '../ir/graph.ts'
import { entering } from '../models/parameters.ts'

/** Declares `dropout_mask` [batch, width]; the graph's caller draws it, so that a step can be taken again. */
export const dropoutMask = (graph: Graph, width: number, dtype: FloatType): Value =>
  entering(
    graph.input(
      'dropout_mask',
      wideType(dtype),
      ['batch', width],
      'what the pooled features are multiplied with: 0 with probability p, else 1/(1 − p); all 1 is no dropout',
    ),
    dtype,
  )
