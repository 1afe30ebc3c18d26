/**
 * Counting the floating-point operations of a graph's matrix products; everything else is noise beside them.
 * @module
 */
import type { Graph, Node } from './ir/graph.ts'
import { liveNodes } from './ir/serialize.ts'
import type { Dim } from './ir/shape.ts'
import { dimProduct, evaluateDim } from './ir/shape.ts'

/**
 * FLOPs of one run without what it computes again to save memory, a multiplication and an addition counting as two: 2·n·k·m for [n, k]·[k, m].
 *
 * @param binding values of the symbolic dimensions, such as `{ batch: 4, sequence: 128, labelled: 512 }`
 */
export function matmulFlops(graph: Graph, binding: Readonly<Record<string, number>>): number {
  return liveNodes(graph)
    .filter(({ operator, again }) => !again && (operator.name === 'MatMul' || operator.name === 'Gemm'))
    .reduce(
      (sum, node) => sum + 2 * evaluateDim(dimProduct([...node.outputs[0]!.shape, innerDim(node)]), binding),
      0,
    )
}

/** The dimension that a product sums over. */
function innerDim({ inputs: [a], attributes }: Node): Dim {
  return attributes['transA'] === 1 ? a!.shape.at(-2)! : a!.shape.at(-1)!
}
