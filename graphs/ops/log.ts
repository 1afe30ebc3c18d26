/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { emit, inferUnary } from './common.ts'
import { div } from './div.ts'
/** y = ln x. */
export const Log: Operator = {
  name: 'Log',
  infer: inferUnary,
  // ∂y/∂x = 1/x
  gradient: ({ inputs: [x] }, [dy]) => [() => div(dy!, x!)],
}

/** y = ln x. */
export const log = (x: Value): Value => emit(Log, [x])
