/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { dimProduct, formatShape, sameShape } from '../ir/shape.ts'
import { expandLike } from './broadcast.ts'
import { cast } from './cast.ts'
import { emit } from './common.ts'
import { slice } from './concat.ts'
import { gather } from './gather.ts'
import { positions } from './range.ts'
import { reshape } from './reshape.ts'
import { unsqueeze } from './unsqueeze.ts'

/** y = x with each element of `updates` added in the row that `indices` names, in its own column (reduction `add`, axis 0). */
export const ScatterElements: Operator = {
  name: 'ScatterElements',
  infer: ({ inputs, fail }) => {
    const [x, rows, updates] = inputs as [Value, Value, Value]
    if (x.dtype !== updates.dtype) fail(`dtypes differ: ${x.dtype} and ${updates.dtype}`)
    if (!sameShape(rows.shape, updates.shape) || !sameShape(updates.shape.slice(1), x.shape.slice(1))) {
      fail(
        `rows ${formatShape(updates.shape)} at ${formatShape(rows.shape)} do not fit ${formatShape(x.shape)}`,
      )
    }
    return [{ dtype: x.dtype, shape: x.shape }]
  },
  // ∂y/∂x = 1; an update's gradient is the element it was added to: of its row, as all columns name the same one.
  gradient: ({ inputs: [x, rows] }, [dy]) => [
    () => dy!,
    undefined,
    () => gather(dy!, x!.shape.length === 1 ? rows! : reshape(firstOfAll(rows!), [rows!.shape[0]!])),
  ],
}

/** [n, …] as its first column, [n, 1, …]. */
const firstOfAll = (x: Value): Value => x.shape.slice(1).reduce<Value>((y, _, i) => slice(y, i + 1, 0, 1), x)

/**
 * Which rows of x `indices` (int64, or int32 as it is) name, as int32 [count]. Looked up and not cast: a device without arithmetic
 * of int64 has lookups by it all the same.
 */
export function rowsOf(x: Value, indices: Value): Value {
  const rows = indices.dtype === 'int32' ? indices : cast(gather(positions(x, 0), indices), 'int32')
  return reshape(rows, [dimProduct(indices.shape)])
}

/**
 * x [n, …] with each row of `updates` [...indices, …] added to the row that `indices` names.
 *
 * @param indices int64 as they are fed, or int32
 */
export function scatterAddRows(x: Value, indices: Value, updates: Value): Value {
  const rows = rowsOf(x, indices)
  const shape = [rows.shape[0]!, ...x.shape.slice(1)]
  const added = reshape(updates, shape)
  const column = x.shape.slice(1).reduce<Value>((y, _, i) => unsqueeze(y, i + 1), rows)
  return emit(ScatterElements, [x, expandLike(column, added), added], { axis: 0, reduction: 'add' })
}
