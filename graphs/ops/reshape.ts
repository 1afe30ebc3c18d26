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
export const reshape = (x: Value, shape: Shape): Value =>
  sameShape(x.shape, shape) ? x : x.graph.add(Reshape, [x, targetShape(x, shape)], { shape })[0]!
