/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { emit, inferUnary } from './common.ts'
import { scalarLike } from './constants.ts'
import { exp } from './exp.ts'
import { mul } from './mul.ts'
import { neg } from './neg.ts'
/** y = erf x. */
export const Erf: Operator = {
  name: 'Erf',
  infer: inferUnary,
  // ∂y/∂x = 2/√π·e^(−x²)
  gradient: ({ inputs: [x] }, [dy]) => [
    () => mul(dy!, mul(scalarLike(dy!, 2 / Math.sqrt(Math.PI)), exp(neg(mul(x!, x!))))),
  ],
}

/** y = erf x. */
export const erf = (x: Value): Value => emit(Erf, [x])
