/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { dimProduct, formatShape, sameShape } from '../ir/shape.ts'
import { emit } from './common.ts'
import { gather } from './gather.ts'
import { reshape } from './reshape.ts'

/** y = x with rows of `updates` added at `indices` (reduction `add`). */
export const ScatterND: Operator = {
  name: 'ScatterND',
  infer: ({ inputs, fail }) => {
    const [x, rows, updates] = inputs as [Value, Value, Value]
    if (rows.dtype !== 'int64') fail(`indices must be int64, got ${rows.dtype}`)
    if (x.dtype !== updates.dtype) fail(`dtypes differ: ${x.dtype} and ${updates.dtype}`)
    const expected = [rows.shape[0]!, ...x.shape.slice(1)]
    if (rows.shape.length !== 2 || rows.shape[1] !== 1 || !sameShape(updates.shape, expected)) {
      fail(
        `rows ${formatShape(updates.shape)} at ${formatShape(rows.shape)} do not fit ${formatShape(x.shape)}`,
      )
    }
    return [{ dtype: x.dtype, shape: x.shape }]
  },
  // ∂y/∂x = 1; an update's gradient is the row it was added to.
  gradient: ({ inputs: [, rows] }, [dy]) => [
    () => dy!,
    undefined,
    () => gather(dy!, reshape(rows!, [rows!.shape[0]!])),
  ],
}

/** x [n, …] with each row of `updates` [...indices, …] added to the row that `indices` (int64) names. */
export function scatterAddRows(x: Value, indices: Value, updates: Value): Value {
  const count = dimProduct(indices.shape)
  return emit(ScatterND, [x, reshape(indices, [count, 1]), reshape(updates, [count, ...x.shape.slice(1)])], {
    reduction: 'add',
  })
}
