/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { emit, inferBinary } from './common.ts'
import { mul } from './mul.ts'
import { scalarLike } from './constants.ts'
import { sub } from './sub.ts'
import { sumToShape } from './sum_to_shape.ts'
/** z = xʸ; the exponent must be constant where a gradient is wanted. */
export const Pow: Operator = {
  name: 'Pow',
  infer: inferBinary(),
  // ∂z/∂x = y·xʸ⁻¹
  gradient: ({ inputs: [x, y] }, [dz]) => [
    () => sumToShape(mul(dz!, mul(y!, pow(x!, sub(y!, scalarLike(y!, 1))))), x!),
    undefined,
  ],
}

/** z = xʸ; the exponent must be constant where a gradient is wanted. Shapes broadcast. */
export const pow = (x: Value, y: Value): Value => emit(Pow, [x, y])
