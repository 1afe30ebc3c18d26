/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { emit, inferUnary } from './common.ts'
import { scalarLike } from './constants.ts'
import { less } from './less.ts'
import { neg } from './neg.ts'
import { where } from './where.ts'
/** y = |x|. */
export const Abs: Operator = {
  name: 'Abs',
  infer: inferUnary,
  // ∂y/∂x = sign x, taken as 1 at 0
  gradient: ({ inputs: [x] }, [dy]) => [() => where(less(x!, scalarLike(x!, 0)), neg(dy!), dy!)],
}

/** y = |x|. */
export const abs = (x: Value): Value => emit(Abs, [x])
