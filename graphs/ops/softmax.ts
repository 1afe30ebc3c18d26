/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { mul, sub } from './arithmetic.ts'
import { reduceSum } from './broadcast.ts'
import { emit, inferUnary } from './common.ts'

/** y = softmax(x) over the last axis. */
export const Softmax: Operator = {
  name: 'Softmax',
  infer: inferUnary,
  // dx = y∘(dy − Σ dy∘y)
  gradient: ({ outputs: [y] }, [dy]) => [() => mul(y!, sub(dy!, reduceSum(mul(dy!, y!), [-1])))],
}

/** y = softmax(x) over the last axis. */
export const softmax = (x: Value): Value => emit(Softmax, [x], { axis: -1 })
