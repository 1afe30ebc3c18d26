/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { broadcastShapes, formatShape } from '../ir/shape.ts'
import { sumToShape } from './broadcast.ts'
import { emit } from './common.ts'
import { swapLast } from './transpose.ts'

/** Z = X·Y over the last two axes; leading axes broadcast. */
export const MatMul: Operator = {
  name: 'MatMul',
  infer: ({ inputs, fail }) => {
    const [x, y] = inputs as [Value, Value]
    if (x.dtype !== y.dtype) fail(`dtypes differ: ${x.dtype} and ${y.dtype}`)
    const batch = broadcastShapes(x.shape.slice(0, -2), y.shape.slice(0, -2))
    if (x.shape.length < 2 || y.shape.length < 2 || x.shape.at(-1) !== y.shape.at(-2) || !batch) {
      fail(`${formatShape(x.shape)} and ${formatShape(y.shape)} do not multiply`)
    }
    return [{ dtype: x.dtype, shape: [...batch!, x.shape.at(-2)!, y.shape.at(-1)!] }]
  },
  // dX = dZ·Yᵀ, dY = Xᵀ·dZ
  gradient: ({ inputs: [x, y] }, [dz]) => [
    () => sumToShape(matmul(dz!, swapLast(y!)), x!),
    () => sumToShape(matmul(swapLast(x!), dz!), y!),
  ],
}

/** Z = X·Y: [..., n, k]·[..., k, m] → [..., n, m]. */
export const matmul = (x: Value, y: Value): Value => emit(MatMul, [x, y])
