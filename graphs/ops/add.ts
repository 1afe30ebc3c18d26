/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { emit, inferBinary } from './common.ts'
import { sumToShape } from './sum_to_shape.ts'
/** z = x + y. */
export const Add: Operator = {
  name: 'Add',
  infer: inferBinary(),
  // ∂z/∂x = 1, ∂z/∂y = 1
  gradient: ({ inputs: [x, y] }, [dz]) => [() => sumToShape(dz!, x!), () => sumToShape(dz!, y!)],
}

/** z = x + y. Shapes broadcast. */
export const add = (x: Value, y: Value): Value => emit(Add, [x, y])
