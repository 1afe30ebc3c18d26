/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { emit, inferUnary } from './common.ts'
import { scalarLike } from './constants.ts'
import { div } from './div.ts'
import { mul } from './mul.ts'
/** y = √x. */
export const Sqrt: Operator = {
  name: 'Sqrt',
  infer: inferUnary,
  // ∂y/∂x = 1/(2y)
  gradient: ({ outputs: [y] }, [dy]) => [() => div(mul(dy!, scalarLike(dy!, 0.5)), y!)],
}

/** y = √x. */
export const sqrt = (x: Value): Value => emit(Sqrt, [x])
