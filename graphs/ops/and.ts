/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { emit, inferBinary } from './common.ts'

/** z = x ∧ y, elementwise, of booleans. */
export const And: Operator = {
  name: 'And',
  infer: inferBinary('bool'),
  gradient: 'not differentiable',
}

/** z = x ∧ y, elementwise, of booleans. Shapes broadcast. */
export const and = (x: Value, y: Value): Value => emit(And, [x, y])
