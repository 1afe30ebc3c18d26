/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { emit, inferBinary } from './common.ts'
import { scalarLike } from './constants.ts'
import { log } from './log.ts'
import { mul } from './mul.ts'
import { sub } from './sub.ts'
import { sumToShape } from './sum_to_shape.ts'
/** z = xʸ. */
export const Pow: Operator = {
  name: 'Pow',
  infer: inferBinary(),
  // ∂z/∂x = y·xʸ⁻¹, ∂z/∂y = z·ln x, which only exists for x > 0
  gradient: ({ inputs: [x, y], outputs: [z] }, [dz]) => [
    () => sumToShape(mul(dz!, mul(y!, pow(x!, sub(y!, scalarLike(y!, 1))))), x!),
    () => sumToShape(mul(dz!, mul(z!, log(x!))), y!),
  ],
}

/** z = xʸ. Shapes broadcast. */
export const pow = (x: Value, y: Value): Value => emit(Pow, [x, y])
