/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { emit, inferBinary } from './common.ts'
import { sumToShape } from './sum_to_shape.ts'
/** z = x·y, elementwise. */
export const Mul: Operator = {
  name: 'Mul',
  infer: inferBinary(),
  // ∂z/∂x = y, ∂z/∂y = x
  gradient: ({ inputs: [x, y] }, [dz]) => [
    () => sumToShape(mul(dz!, y!), x!),
    () => sumToShape(mul(dz!, x!), y!),
  ],
}

/** z = x·y, elementwise. Shapes broadcast. */
export const mul = (x: Value, y: Value): Value => emit(Mul, [x, y])
