/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { emit, inferBinary } from './common.ts'
import { mul } from './mul.ts'
import { neg } from './neg.ts'
import { sumToShape } from './sum_to_shape.ts'
/** z = x / y, elementwise. */
export const Div: Operator = {
  name: 'Div',
  infer: inferBinary(),
  // ∂z/∂x = 1/y, ∂z/∂y = −x/y² = −z/y
  gradient: ({ inputs: [x, y], outputs: [z] }, [dz]) => [
    () => sumToShape(div(dz!, y!), x!),
    () => sumToShape(neg(div(mul(dz!, z!), y!)), y!),
  ],
}

/** z = x / y, elementwise. Shapes broadcast. */
export const div = (x: Value, y: Value): Value => emit(Div, [x, y])
