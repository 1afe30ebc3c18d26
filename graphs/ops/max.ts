/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { emit, inferBinary } from './common.ts'
import { scalarLike } from './constants.ts'
import { greaterOrEqual } from './greater_or_equal.ts'
import { less } from './less.ts'
import { sumToShape } from './sum_to_shape.ts'
import { where } from './where.ts'
/** z = max(x, y), elementwise. */
export const Max: Operator = {
  name: 'Max',
  infer: inferBinary(),
  // ∂z/∂x = [x ≥ y], ∂z/∂y = [x < y]
  gradient: ({ inputs: [x, y] }, [dz]) => [
    () => sumToShape(where(greaterOrEqual(x!, y!), dz!, scalarLike(dz!, 0)), x!),
    () => sumToShape(where(less(x!, y!), dz!, scalarLike(dz!, 0)), y!),
  ],
}

/** z = max(x, y), elementwise. Shapes broadcast. */
export const maximum = (x: Value, y: Value): Value => emit(Max, [x, y])
