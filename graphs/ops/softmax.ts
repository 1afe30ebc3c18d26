/** @module */
import type { Operator } from '../ir/operator.ts'
import { mul, sub } from './arithmetic.ts'
import { reduceSum } from './broadcast.ts'
import { inFloat32 } from './cast.ts'
import { emit, inferUnary } from './common.ts'

/** y = softmax(x) over the last axis. */
export const Softmax: Operator = {
  name: 'Softmax',
  infer: inferUnary,
  // dx = y∘(dy − Σ dy∘y)
  gradient: ({ outputs: [y] }, [dy]) => [() => mul(y!, sub(dy!, reduceSum(mul(dy!, y!), [-1])))],
}

/** y = softmax(x) over the last axis; of 16 bits in float32. */
export const softmax = inFloat32((x) => emit(Softmax, [x], { axis: -1 }))
