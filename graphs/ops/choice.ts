/**
 * Operators that choose, element by element. Each passes its gradient to what it chose: their gradients are all a Where.
 * @module
 */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { broadcastShapes, formatShape } from '../ir/shape.ts'
import { neg } from './arithmetic.ts'
import { sumToShape } from './broadcast.ts'
import type { Operand } from './common.ts'
import { binary, emit, inferBinary, inferUnary, unary, valuesOf } from './common.ts'
import { greater, greaterOrEqual, less } from './comparison.ts'

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
    () => sumToShape(where(condition!, dz!, 0), x!),
    () => sumToShape(where(condition!, 0, dz!), y!),
  ],
}

/** z = x where the condition holds, else y. Shapes broadcast. */
export function where(condition: Value, x: Value, y: Operand): Value
export function where(condition: Value, x: number, y: Value): Value
export function where(condition: Value, x: Operand, y: Operand): Value {
  return emit(Where, [condition, ...valuesOf(Where, [x, y])])
}

/** z = max(x, y). */
export const Max: Operator = {
  name: 'Max',
  infer: inferBinary(),
  // ∂z/∂x = [x ≥ y], ∂z/∂y = [x < y]
  gradient: ({ inputs: [x, y] }, [dz]) => [
    () => sumToShape(where(greaterOrEqual(x!, y!), dz!, 0), x!),
    () => sumToShape(where(less(x!, y!), dz!, 0), y!),
  ],
}

/** z = max(x, y). Shapes broadcast. */
export const maximum = binary(Max)

/** z = min(x, y). */
export const Min: Operator = {
  name: 'Min',
  infer: inferBinary(),
  // ∂z/∂x = [x ≤ y], ∂z/∂y = [x > y]
  gradient: ({ inputs: [x, y] }, [dz]) => [
    () => sumToShape(where(greaterOrEqual(y!, x!), dz!, 0), x!),
    () => sumToShape(where(less(y!, x!), dz!, 0), y!),
  ],
}

/** z = min(x, y). Shapes broadcast. */
export const minimum = binary(Min)

/** y = max(x, 0). */
export const Relu: Operator = {
  name: 'Relu',
  infer: inferUnary,
  // ∂y/∂x = [x > 0]
  gradient: ({ inputs: [x] }, [dy]) => [() => where(greater(x!, 0), dy!, 0)],
}

/** y = max(x, 0). */
export const relu = unary(Relu)

/** y = |x|. */
export const Abs: Operator = {
  name: 'Abs',
  infer: inferUnary,
  // ∂y/∂x = sign x, taken as 1 at 0
  gradient: ({ inputs: [x] }, [dy]) => [() => where(less(x!, 0), neg(dy!), dy!)],
}

/** y = |x|. */
export const abs = unary(Abs)
