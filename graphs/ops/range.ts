/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import type { Dim } from '../ir/shape.ts'
import { dims } from './common.ts'
import { reshape } from './reshape.ts'
import { dimension } from './shape.ts'

/** y = 0, 1, …, size−1. */
export const Range: Operator = {
  name: 'Range',
  unwritten: ['shape'],
  infer: ({ attributes }) => [{ dtype: 'int64', shape: dims(attributes, 'shape') }],
  gradient: 'not differentiable',
}

/** 0, 1, …, size−1 as int64 [size]; the size may be symbolic. `like` is any value of the graph. */
export function range(like: Value, size: Dim): Value {
  const limit = reshape(dimension(like, size), [])
  const [start, step] = [like.graph.scalar(0, 'int64'), like.graph.scalar(1, 'int64')]
  return like.graph.add(Range, [start, limit, step], { shape: [size] })[0]!
}
