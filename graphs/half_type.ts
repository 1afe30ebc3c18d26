/** @module */
import type { HalfType } from './ir/dtype.ts'
import { isHalf } from './ir/dtype.ts'
import type { Graph } from './ir/graph.ts'
import type { Operator } from './ir/operator.ts'
import { liveNodes } from './ir/serialize.ts'
import { Cast, Concat, Gather, Identity, Reshape, Shape, Transpose } from './ops/index.ts'

/** Operators that move numbers without looking at them; they have kernels for 16 bits everywhere. */
export const MOVING: ReadonlySet<Operator> = new Set([Reshape, Transpose, Gather, Concat, Identity, Shape])

/** The type of 16 bits that a graph computes in; undefined where what it has of such bits is stored alone. */
export function halfTypeOf(graph: Graph): HalfType | undefined {
  const computed = liveNodes(graph).filter(({ operator }) => operator !== Cast && !MOVING.has(operator))
  return computed.flatMap(({ outputs }) => outputs.map(({ dtype }) => dtype)).find(isHalf)
}
