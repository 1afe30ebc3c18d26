/** @module */
import { isHalf } from './ir/dtype.ts'
import type { Value } from './ir/graph.ts'
import { Graph, scopeOf } from './ir/graph.ts'
import { liveNodes } from './ir/serialize.ts'
import { Cast, cast } from './ops/index.ts'

/** The same graph with its weights of 16 bits widened before all else, which ONNX Runtime does when it opens a session. */
export function withWideWeights(graph: Graph): Graph {
  const wide = new Graph(graph.name, graph.doc)
  const made = new Map<Value, Value>()
  for (const value of graph.inputs)
    made.set(value, wide.input(value.name, value.dtype, value.shape, graph.docs.get(value.name)))
  for (const { value, data, overridable } of graph.initializers) {
    const { name, dtype, shape } = value
    const stored = wide.initializer(name, dtype, shape, data, { overridable: overridable && !isHalf(dtype) })
    made.set(value, isHalf(dtype) ? cast(stored, 'float32') : stored)
  }
  for (const node of liveNodes(graph)) {
    const inputs = node.inputs.map((input) => made.get(input)!)
    const [first] = node.outputs
    if (node.operator === Cast && first!.dtype === inputs[0]!.dtype) made.set(first!, inputs[0]!)
    else
      wide.scope(scopeOf(node), () =>
        wide
          .add(node.operator, inputs, node.attributes)
          .forEach((output, i) => made.set(node.outputs[i]!, output)),
      )
  }
  for (const [name, value] of graph.outputs) wide.output(name, made.get(value)!, graph.docs.get(name))
  return wide
}
