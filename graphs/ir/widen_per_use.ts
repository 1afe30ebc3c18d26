/**
 * Weights that are kept in few bits are widened for one use at a time: a backward pass that shared what the forward pass has widened
 * would keep all of it in memory in between, and with it as much as a model of wide weights.
 *
 * ONNX Runtime merges nodes that compute the same, and may run one that depends on nothing before all others. So what is widened a
 * second time is not the weight W itself but W, or its scales, reshaped to its own shape, which copies nothing and waits for another
 * input d of the node that uses it: Reshape(W, the last dimensions of d[…, none]), where none is a tensor of no indices, [0, …, 0]
 * long, and a dimension of 0 stands for the one that is there. It is a GPU's alone: of int64 it has shapes, and no arithmetic.
 * @module
 */
import { encodeNumbers } from './dtype.ts'
import type { Initializer, Node, Value } from './graph.ts'
import type { Operator } from './operator.ts'

/** Operators as they stand in the file, behind every pass that asks for shapes and gradients. */
const written = (name: string): Operator => ({ name, infer: () => [], gradient: 'not differentiable' })
const [GATHER, SHAPE, RESHAPE] = ['Gather', 'Shape', 'Reshape'].map(written) as [Operator, Operator, Operator]

/**
 * @param nodes in order
 * @param isNarrow whether it is kept in few bits while a session is open
 * @returns the nodes with those that widen once more, and the constants which these need
 */
export function widenPerUse(
  nodes: readonly Node[],
  initializers: readonly Initializer[],
  isNarrow: (initializer: Initializer) => boolean,
): { readonly nodes: Node[]; readonly constants: Initializer[] } {
  const narrow = new Set(initializers.filter(isNarrow).map(({ value }) => value))
  const stored = new Set(initializers.map(({ value }) => value))
  const widening = new Map<Value, Node>()
  for (const node of nodes) {
    const [weight] = node.inputs
    const isWidening = weight && narrow.has(weight) && node.inputs.every((input) => stored.has(input))
    if (isWidening && weight.shape.length > 1) widening.set(node.outputs[0]!, node)
  }
  if (widening.size === 0) return { nodes: [...nodes], constants: [] }

  const nones = new Map<number, Initializer>()
  const noneOf = (weight: Value): Value => {
    const rank = weight.shape.length
    const shape = new Array<number>(rank).fill(0)
    const known = nones.get(rank) ?? {
      value: { graph: weight.graph, name: `none_${rank}`, dtype: 'int64', shape },
      data: encodeNumbers([], 'int64'),
      overridable: false,
    }
    nones.set(rank, known)
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
        (other) => other !== input && !stored.has(other) && other.shape.length > 1,
      )
      if (!before) return input
      anew.push(...widenAfter(before, first, `${node.name}/again_${i}`, noneOf(first.inputs[0]!)))
      return anew.at(-1)!.outputs[0]!
    })
    return [...anew, anew.length > 0 ? { ...node, inputs } : node]
  })
  return { nodes: widened, constants: [...nones.values()] }
}

/** The nodes that do once more what `first` does, when `before` is there; the last gives it out. */
function widenAfter(before: Value, first: Node, name: string, none: Value): Node[] {
  const { graph } = before
  const others = first.inputs.slice(0, -1)
  const weight = first.inputs.at(-1)!
  const node = (operator: Operator, inputs: readonly Value[], like: Value, attributes = {}): Node => ({
    ...{ operator, inputs, attributes, name: `${name}/${operator.name}`, again: true },
    outputs: [{ graph, name: `${name}/${operator.name}:0`, dtype: like.dtype, shape: like.shape }],
  })
  const rank = none.shape.length
  const columns = { ...before, shape: [...before.shape.slice(0, -1), ...none.shape] }
  const empty = node(GATHER, [before, none], columns, { axis: -1 })
  const shape = node(SHAPE, empty.outputs, { ...none, shape: [rank] }, { start: -rank })
  const kept = node(RESHAPE, [weight, shape.outputs[0]!], weight)
  return [
    ...[empty, shape, kept],
    node(first.operator, [...others, kept.outputs[0]!], first.outputs[0]!, first.attributes),
  ]
}
