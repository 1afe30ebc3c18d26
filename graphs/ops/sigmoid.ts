/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { emit, inferUnary } from './common.ts'
import { scalarLike } from './constants.ts'
import { mul } from './mul.ts'
import { sub } from './sub.ts'
/** y = σ(x) = 1 / (1 + e⁻ˣ). */
export const Sigmoid: Operator = {
  name: 'Sigmoid',
  infer: inferUnary,
  // ∂y/∂x = y·(1 − y)
  gradient: ({ outputs: [y] }, [dy]) => [() => mul(dy!, mul(y!, sub(scalarLike(dy!, 1), y!)))],
}

/** y = σ(x) = 1 / (1 + e⁻ˣ). */
export const sigmoid = (x: Value): Value => emit(Sigmoid, [x])
