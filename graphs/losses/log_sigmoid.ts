/** @module */
import type { Value } from '../ir/graph.ts'
import { abs } from '../ops/abs.ts'
import { add } from '../ops/add.ts'
import { scalarLike } from '../ops/constants.ts'
import { exp } from '../ops/exp.ts'
import { log } from '../ops/log.ts'
import { minimum } from '../ops/min.ts'
import { mul } from '../ops/mul.ts'
import { neg } from '../ops/neg.ts'
import { sigmoid } from '../ops/sigmoid.ts'
import { sub } from '../ops/sub.ts'

/**
 * y = log σ(x) = min(x, 0) − log(1 + e^−|x|), finite for every finite x: the exponential cannot overflow.
 * dx = dy·σ(−x)
 */
export function logSigmoid(x: Value): Value {
  const y = sub(minimum(x, scalarLike(x, 0)), log(add(exp(neg(abs(x))), scalarLike(x, 1))))
  x.graph.composite({
    name: 'log_sigmoid',
    inputs: [x],
    outputs: [y],
    gradient: ([dy]) => [() => mul(dy!, sigmoid(neg(x)))],
  })
  return y
}
