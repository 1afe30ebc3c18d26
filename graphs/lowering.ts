/**
 * Graphs of 16 bits for a processor that computes in float32 alone: what is stored stays 16 bits wide, and every operation widens
 * what it takes and rounds what it gives. The numbers are those that such an operation has anywhere which sums in float32.
 * @module
 */
import { isHalf } from './ir/dtype.ts'
import type { Node, Value } from './ir/graph.ts'
import { Graph, scopeOf } from './ir/graph.ts'
import { liveNodes } from './ir/serialize.ts'
import { add, Cast, cast, mul, Reshape, Shape, shapeOf } from './ops/index.ts'
import { emit } from './ops/common.ts'
import { halfTypeOf, MOVING } from './half_type.ts'

/**
 * The same graph with arithmetic in float32 alone; a graph that has no other is returned itself.
 *
 * What the backward pass takes of the forward pass is widened a second time there, so that 16 bits are what is kept until then. So
 * that ONNX Runtime neither merges the two casts nor makes the second one early, that one is made of a Reshape to a shape which
 * depends on a gradient (plus 0·a dimension of it): a view, of the bits that are there.
 */
export function withFloat32Arithmetic(graph: Graph): Graph {
  const nodes = liveNodes(graph)
  if (!halfTypeOf(graph)) return graph
  const lowered = new Graph(graph.name, graph.doc)
  const forward = ancestors(graph)
  const constants = constantValues(graph, nodes)
  const made = new Map<Value, Value>()
  /** Of float32 values that are views of 16 bits: those. */
  const widenings = new Map<Value, Value>()
  const casts = new Map<Value, { forward?: Value; backward?: Value }>()
  let gradient: Value | undefined

  for (const value of graph.inputs)
    made.set(value, lowered.input(value.name, value.dtype, value.shape, graph.docs.get(value.name)))
  lowered.widensOnce = graph.widensOnce
  for (const { value, data, overridable } of graph.initializers) {
    // A weight that is stored in 16 bits stays so in memory.
    const isNarrow = isHalf(value.dtype) && !(data instanceof Uint8Array)
    const options = { overridable: overridable || isNarrow }
    made.set(value, lowered.initializer(value.name, value.dtype, value.shape, data, options))
  }

  for (const node of nodes) {
    const isBackward = !forward.has(node)
    if (node.operator === Cast && isHalf(node.inputs[0]!.dtype) && node.outputs[0]!.dtype === 'float32') {
      widenings.set(node.outputs[0]!, node.inputs[0]!)
      continue
    }
    const moving = MOVING.has(node.operator)
    lowered.scope(scopeOf(node), () => {
      const inputs = node.inputs.map((input) =>
        widenings.has(input)
          ? widened(widenings.get(input)!, isBackward)
          : isHalf(input.dtype) && !moving
            ? widened(input, isBackward)
            : made.get(input)!,
      )
      const outputs = lowered.add(node.operator, inputs, node.attributes)
      outputs.forEach((output, i) => {
        const given = node.outputs[i]!
        made.set(given, cast(output, given.dtype))
        if (isBackward && typeof output.shape[0] === 'string') gradient = output
      })
    })
  }
  for (const [name, value] of graph.outputs) {
    const half = widenings.get(value)
    lowered.output(name, half ? widened(half, false) : made.get(value)!, graph.docs.get(name))
  }
  return lowered

  /** A value of 16 bits in float32: one cast for the forward pass, and one for the backward pass, made there. */
  function widened(half: Value, isBackward: boolean): Value {
    const known = casts.get(half) ?? {}
    casts.set(half, known)
    const bits = made.get(half)!
    const producer = graph.producers.get(half)
    const kept = isBackward && !constants.has(half) && producer !== undefined && forward.has(producer as Node)
    if (!kept || gradient === undefined) return (known.forward ??= cast(bits, 'float32'))
    return (known.backward ??= cast(after(bits, gradient), 'float32'))
  }
}

/** x itself, once y is there. */
function after(x: Value, y: Value): Value {
  const nothing = mul(emit(Shape, [y], { start: 0, end: 1 }), 0)
  return emit(Reshape, [x, add(shapeOf(x), nothing)], { shape: x.shape })
}

/** What the loss is made of; of a graph without one, everything. */
function ancestors(graph: Graph): ReadonlySet<Node> {
  const loss = graph.outputs.get('loss')
  const needed = new Set<Value>(loss ? [loss] : graph.outputs.values())
  const found = new Set<Node>()
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((output) => needed.has(output))) continue
    found.add(node)
    for (const input of node.inputs) needed.add(input)
  }
  return found
}

/** Initializers, and casts of them: both are there from the beginning. */
function constantValues(graph: Graph, nodes: readonly Node[]): ReadonlySet<Value> {
  const constants = new Set(graph.initializers.map(({ value }) => value))
  for (const { operator, inputs, outputs } of nodes)
    if (operator === Cast && constants.has(inputs[0]!)) constants.add(outputs[0]!)
  return constants
}
