/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { emit, inferBinary } from './common.ts'
import { neg } from './neg.ts'
import { sumToShape } from './sum_to_shape.ts'
/** z = x − y. */
export const Sub: Operator = {
  name: 'Sub',
  infer: inferBinary(),
  // ∂z/∂x = 1, ∂z/∂y = −1
  gradient: ({ inputs: [x, y] }, [dz]) => [() => sumToShape(dz!, x!), () => sumToShape(neg(dz!), y!)],
}

/** z = x − y. Shapes broadcast. */
export const sub = (x: Value, y: Value): Value => emit(Sub, [x, y])
