/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { emit, inferUnary } from './common.ts'

/** y = −x. */
export const Neg: Operator = {
  name: 'Neg',
  infer: inferUnary,
  // ∂y/∂x = −1
  gradient: (_node, [dy]) => [() => neg(dy!)],
}

/** y = −x. */
export const neg = (x: Value): Value => emit(Neg, [x])
