/**
 * Weights that are kept in few bits are widened for one use at a time: a backward pass that shared what the forward pass has widened
 * would keep all of it in memory in between, and with it as much as a model of wide weights.
 *
 * ONNX Runtime merges nodes that compute the same, and may run one that depends on nothing before all others. So what is widened a
 * second time is not the weight W itself but W, or its scales, reshaped to its own shape, which copies nothing and waits for another
 * input d of the node that uses it: Reshape(W, min(dimension of d, [0, …, 0])), where a 0 stands for the dimension as it is.
 * @module
 */
import { encodeNumbers } from './dtype.ts'
import type { Initializer, Node, Value } from './graph.ts'
import type { Operator } from './operator.ts'

/** Operators as they stand in the file, behind every pass that asks for shapes and gradients. */
const written = (name: string): Operator => ({ name, infer: () => [], gradient: 'not differentiable' })
const [SHAPE, MIN, RESHAPE] = ['Shape', 'Min', 'Reshape'].map(written) as [Operator, Operator, Operator]

/**
 * @param nodes in order
 * @param isNarrow whether it is kept in few bits while a session is open
 * @returns the nodes with those that widen once more, and the constants which these need
 */
export function widenPerUse(
  nodes: readonly Node[],
  initializers: readonly Initializer[],
  isNarrow: (initializer: Initializer) => boolean,
): { readonly nodes: Node[]; readonly zeros: Initializer[] } {
  const narrow = new Set(initializers.filter(isNarrow).map(({ value }) => value))
  const stored = new Set(initializers.map(({ value }) => value))
  const widening = new Map<Value, Node>()
  for (const node of nodes) {
    const [weight] = node.inputs
    const isWidening = weight && narrow.has(weight) && node.inputs.every((input) => stored.has(input))
    if (isWidening && weight.shape.length > 1) widening.set(node.outputs[0]!, node)
  }
  if (widening.size === 0) return { nodes: [...nodes], zeros: [] }

  const zeros = new Map<number, Initializer>()
  const zerosOf = (weight: Value): Value => {
    const rank = weight.shape.length
    const known = zeros.get(rank) ?? {
      value: { graph: weight.graph, name: `as_it_is_${rank}`, dtype: 'int64', shape: [rank] },
      data: encodeNumbers(new Array<number>(rank).fill(0), 'int64'),
      overridable: false,
    }
    zeros.set(rank, known)
    return known.value
  }
  const used = new Set<Value>()
  const widened = nodes.flatMap((node) => {
    const anew: Node[] = []
    const inputs = node.inputs.map((input, i) => {
      const first = widening.get(input)
      if (!first || !used.has(input)) {
        used.add(input)
        return input
      }
      const before = node.inputs.find(
        (other) => other !== input && !stored.has(other) && other.shape.length > 0,
      )
      if (!before) return input
      anew.push(...widenAfter(before, first, `${node.name}/again_${i}`, zerosOf(first.inputs[0]!)))
      return anew.at(-1)!.outputs[0]!
    })
    return [...anew, anew.length > 0 ? { ...node, inputs } : node]
  })
  return { nodes: widened, zeros: [...zeros.values()] }
}

/** The nodes that do once more what `first` does, when `before` is there; the last gives it out. */
function widenAfter(before: Value, first: Node, name: string, zero: Value): Node[] {
  const { graph } = before
  const others = first.inputs.slice(0, -1)
  const weight = first.inputs.at(-1)!
  const node = (operator: Operator, inputs: readonly Value[], like: Value, attributes = {}): Node => ({
    ...{ operator, inputs, attributes, name: `${name}/${operator.name}`, again: true },
    outputs: [{ graph, name: `${name}/${operator.name}:0`, dtype: like.dtype, shape: like.shape }],
  })
  const extent = node(SHAPE, [before], { ...zero, shape: [1] }, { start: 0, end: 1 })
  const shape = node(MIN, [extent.outputs[0]!, zero], zero)
  const kept = node(RESHAPE, [weight, shape.outputs[0]!], weight)
  return [
    ...[extent, shape, kept],
    node(first.operator, [...others, kept.outputs[0]!], first.outputs[0]!, first.attributes),
  ]
}
