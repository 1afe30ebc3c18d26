/**
 * Gradient checkpointing: what the backward pass reads of a block is computed once more, from the block's input, when the
 * gradient arrives there, so that between the two passes only the inputs of blocks are in memory. Chen et al.: Training Deep
 * Nets with Sublinear Memory Cost (2016).
 *
 * What goes into the copy waits (see `layers/late.ts`) for the gradient that arrives at the block's output, and for those of the
 * tensors that have been trained with since the copy before: the runtime would leave these for the end, and keep all copies until
 * then.
 * @module
 */
import type { Graph, Segment, Value } from './ir/graph.ts'
import { after, overflow } from './layers/late.ts'

/** How a value is computed once more. */
interface Copy {
  /** The gradient without which it is not. */
  readonly after: Value
  readonly make: () => Value
}

/**
 * Rewrites a training graph so that the backward pass computes what it reads inside of segments once more. Loss and gradients
 * stay the same. Segments that no gradient goes through stay as they are.
 *
 * @param every how many segments, one following the other, are computed anew from what goes into the first
 * @returns the graph that was given
 */
export function checkpointed(graph: Graph, every = 1): Graph {
  const { backward } = graph
  if (!backward) throw graph.error('checkpointing', 'there are no gradients')
  const { gradients } = backward
  /** Gradients of what is no node's output, such as trained tensors, that no copy waits for yet. */
  const ends: Value[] = []
  const isEnd = new Set([...gradients].filter(([x]) => !graph.producers.has(x)).map(([, dx]) => dx))
  const copies = new Map(
    joined(graph.segments, every).flatMap((segment) => copiesOf(segment, gradients, () => ends.splice(0))),
  )
  const nodes = graph.nodes.splice(backward.start)
  const awaited = new Set(nodes.flatMap((node) => node.outputs))
  for (const node of nodes) {
    const inputs = node.inputs.map((input) => {
      const copy = copies.get(input)
      return copy && !awaited.has(copy.after) ? copy.make() : input
    })
    graph.nodes.push({ ...node, inputs })
    for (const output of node.outputs) {
      awaited.delete(output)
      if (isEnd.has(output)) ends.push(output)
    }
  }
  return graph
}

/** Segments of which each goes on from the one before, `every` of them as one. */
function joined(segments: readonly Segment[], every: number): Segment[] {
  const groups: Segment[][] = []
  for (const segment of segments) {
    const group = groups.at(-1)
    const goesOn = group && segment.inputs.includes(group.at(-1)!.output)
    if (goesOn && group.length < every) group.push(segment)
    else groups.push([segment])
  }
  return groups.map((group) => {
    const nodes = group.flatMap((segment) => segment.nodes)
    const inside = new Set(nodes.flatMap((node) => node.outputs))
    const inputs = new Set(group.flatMap((segment) => segment.inputs))
    return {
      inputs: [...inputs].filter((input) => !inside.has(input)),
      output: group.at(-1)!.output,
      nodes,
    }
  })
}

/** The values inside a segment that depend on what goes in. */
function copiesOf(
  { inputs, output, nodes }: Segment,
  gradients: ReadonlyMap<Value, Value>,
  ends: () => readonly Value[],
): readonly [Value, Copy][] {
  const { graph } = output
  const dy = gradients.get(output)
  if (!dy) return []
  const overflows = once(() => overflow([dy, ...ends()]))
  const made = new Map(inputs.map((input) => [input, once(() => after(input, overflows()))]))
  const copy = (value: Value) => made.get(value)?.() ?? value
  const inside: [Value, Copy][] = []
  for (const { operator, name, inputs, attributes, outputs } of nodes) {
    if (!inputs.some((input) => made.has(input))) continue
    const again = once(() =>
      graph.scope(`again/${name.split('/').slice(0, -1).join('/')}`, () =>
        graph.again(() => graph.add(operator, inputs.map(copy), attributes)),
      ),
    )
    outputs.forEach((value, i) => {
      const make = () => again()[i]!
      made.set(value, make)
      if (value !== output) inside.push([value, { after: dy, make }])
    })
  }
  return inside
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => (made ??= { value: make() }).value
}
