/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { emit, inferUnary } from './common.ts'

/** y = x. */
export const Identity: Operator = {
  name: 'Identity',
  infer: inferUnary,
  gradient: (_node, [dy]) => [() => dy!],
}

/** y = x. */
export const identity = (x: Value): Value => emit(Identity, [x])
