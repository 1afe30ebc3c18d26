/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { emit, inferUnary } from './common.ts'
import { scalarLike } from './constants.ts'
import { greater } from './greater.ts'
import { where } from './where.ts'
/** y = max(x, 0). */
export const Relu: Operator = {
  name: 'Relu',
  infer: inferUnary,
  // ∂y/∂x = [x > 0]
  gradient: ({ inputs: [x] }, [dy]) => [() => where(greater(x!, scalarLike(x!, 0)), dy!, scalarLike(dy!, 0))],
}

/** y = max(x, 0). */
export const relu = (x: Value): Value => emit(Relu, [x])
