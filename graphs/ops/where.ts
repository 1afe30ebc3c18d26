/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { broadcastShapes, formatShape } from '../ir/shape.ts'
import { emit } from './common.ts'
import { scalarLike } from './constants.ts'
import { sumToShape } from './sum_to_shape.ts'

/** z = x where the condition holds, else y. */
export const Where: Operator = {
  name: 'Where',
  infer: ({ inputs, fail }) => {
    const [condition, x, y] = inputs as [Value, Value, Value]
    if (condition.dtype !== 'bool') fail(`the condition must be bool, got ${condition.dtype}`)
    if (x.dtype !== y.dtype) fail(`dtypes differ: ${x.dtype} and ${y.dtype}`)
    const branches = broadcastShapes(x.shape, y.shape)
    const shape =
      (branches && broadcastShapes(condition.shape, branches)) ??
      fail(
        `shapes do not broadcast: ${[condition, x, y].map((value) => formatShape(value.shape)).join(', ')}`,
      )
    return [{ dtype: x.dtype, shape }]
  },
  // ∂z/∂x = [condition], ∂z/∂y = [¬condition]
  gradient: ({ inputs: [condition, x, y] }, [dz]) => [
    undefined,
    () => sumToShape(where(condition!, dz!, scalarLike(dz!, 0)), x!),
    () => sumToShape(where(condition!, scalarLike(dz!, 0), dz!), y!),
  ],
}

/** z = x where the condition holds, else y. Shapes broadcast. */
export const where = (condition: Value, x: Value, y: Value): Value => emit(Where, [condition, x, y])
