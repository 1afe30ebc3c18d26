/** @module */
import type { Value } from '../ir/graph.ts'
import { abs, add, exp, log, minimum, mul, neg, sigmoid, sub } from '../ops/index.ts'

/**
 * y = log σ(x) = min(x, 0) − log(1 + e^−|x|), finite for every finite x: the exponential cannot overflow.
 * dx = dy·σ(−x)
 */
export function logSigmoid(x: Value): Value {
  const y = sub(minimum(x, 0), log(add(exp(neg(abs(x))), 1)))
  x.graph.composite({
    name: 'log_sigmoid',
    inputs: [x],
    outputs: [y],
    gradient: ([dy]) => [() => mul(dy!, sigmoid(neg(x)))],
  })
  return y
}
