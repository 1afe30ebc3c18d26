/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { emit, inferUnary } from './common.ts'
import { mul } from './mul.ts'
/** y = eˣ. */
export const Exp: Operator = {
  name: 'Exp',
  infer: inferUnary,
  // ∂y/∂x = y
  gradient: ({ outputs: [y] }, [dy]) => [() => mul(dy!, y!)],
}

/** y = eˣ. */
export const exp = (x: Value): Value => emit(Exp, [x])
