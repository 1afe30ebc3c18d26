/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { emit, inferUnary } from './common.ts'
import { scalarLike } from './constants.ts'
import { mul } from './mul.ts'
import { sub } from './sub.ts'
/** y = tanh x. */
export const Tanh: Operator = {
  name: 'Tanh',
  infer: inferUnary,
  // ∂y/∂x = 1 − y²
  gradient: ({ outputs: [y] }, [dy]) => [() => mul(dy!, sub(scalarLike(dy!, 1), mul(y!, y!)))],
}

/** y = tanh x. */
export const tanh = (x: Value): Value => emit(Tanh, [x])
