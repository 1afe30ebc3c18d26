/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { emit, inferBinary } from './common.ts'

/** z = [x < y], elementwise. */
export const Less: Operator = {
  name: 'Less',
  infer: inferBinary('bool'),
  gradient: 'not differentiable',
}

/** z = [x < y], elementwise. Shapes broadcast. */
export const less = (x: Value, y: Value): Value => emit(Less, [x, y])
