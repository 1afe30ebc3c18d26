/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { emit, inferBinary } from './common.ts'

/** z = [x ≥ y], elementwise. */
export const GreaterOrEqual: Operator = {
  name: 'GreaterOrEqual',
  infer: inferBinary('bool'),
  gradient: 'not differentiable',
}

/** z = [x ≥ y], elementwise. Shapes broadcast. */
export const greaterOrEqual = (x: Value, y: Value): Value => emit(GreaterOrEqual, [x, y])
