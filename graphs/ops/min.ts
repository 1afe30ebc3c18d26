/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { emit, inferBinary } from './common.ts'
import { scalarLike } from './constants.ts'
import { greaterOrEqual } from './greater_or_equal.ts'
import { less } from './less.ts'
import { sumToShape } from './sum_to_shape.ts'
import { where } from './where.ts'
/** z = min(x, y), elementwise. */
export const Min: Operator = {
  name: 'Min',
  infer: inferBinary(),
  // ∂z/∂x = [x ≤ y], ∂z/∂y = [x > y]
  gradient: ({ inputs: [x, y] }, [dz]) => [
    () => sumToShape(where(greaterOrEqual(y!, x!), dz!, scalarLike(dz!, 0)), x!),
    () => sumToShape(where(less(y!, x!), dz!, scalarLike(dz!, 0)), y!),
  ],
}

/** z = min(x, y), elementwise. Shapes broadcast. */
export const minimum = (x: Value, y: Value): Value => emit(Min, [x, y])
