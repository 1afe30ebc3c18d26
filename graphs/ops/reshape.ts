/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import type { Shape } from '../ir/shape.ts'
import { dimProduct, formatShape, sameShape } from '../ir/shape.ts'
import { dims } from './common.ts'
import { targetShape } from './shape.ts'

/** y = x with the same elements in another shape. */
export const Reshape: Operator = {
  name: 'Reshape',
  unwritten: ['shape'],
  infer: ({ inputs: [x], attributes, fail }) => {
    const shape = dims(attributes, 'shape')
    if (dimProduct(x!.shape) !== dimProduct(shape)) {
      fail(`${formatShape(x!.shape)} and ${formatShape(shape)} hold different numbers of elements`)
    }
    return [{ dtype: x!.dtype, shape }]
  },
  gradient: ({ inputs: [x] }, [dy]) => [() => reshape(dy!, x!.shape), undefined],
}

/** x with the same elements in another shape, which may have symbolic dimensions. */
export function reshape(x: Value, shape: Shape): Value {
  if (sameShape(x.shape, shape)) return x
  const joined = lastJoined(shape)
  // Of values with the last dimensions in one there is a shape, which is known early: that of embeddings.
  if (joined && !sharesFirst(x.shape, shape) && x.graph.firstOf(joined))
    return reshape(reshape(x, joined), shape)
  return x.graph.add(Reshape, [x, targetShape(x, shape)], { shape })[0]!
}

/** [batch, sequence, 12, 64] as [batch, sequence, 768]; undefined where there are not several of both kinds, in this order. */
function lastJoined(shape: Shape): Shape | undefined {
  const first = shape.findIndex((dim) => typeof dim === 'number')
  const numbers = shape.slice(first)
  if (first < 2 || numbers.length < 2 || numbers.some((dim) => typeof dim === 'string')) return undefined
  return [...shape.slice(0, first), numbers.reduce<number>((size, dim) => size * (dim as number), 1)]
}

const sharesFirst = (x: Shape, shape: Shape): boolean => x[0] === shape[0]
