/**
 * Reverse-mode automatic differentiation: one walk over the graph from the loss back, only along paths that
 * lead to a tensor whose gradient is wanted.
 * @module
 */
import type { Composite, Contribution, Node, RowScatter, Value } from './ir/graph.ts'
import { dimProduct } from './ir/shape.ts'
import { add, concat, filledLike, reshape, scatterAddRows } from './ops/index.ts'

/**
 * Adds the nodes that compute ∂loss/∂x for every wanted x.
 *
 * @param loss a scalar
 * @param wanted the tensors to differentiate by; each must influence the loss
 * @returns gradients of the wanted tensors' shapes
 * @throws where the path meets an operator that has no gradient, or a wanted tensor does not reach the loss
 */
export function gradients(loss: Value, wanted: readonly Value[]): Map<Value, Value> {
  const { graph } = loss
  if (loss.shape.length !== 0) throw graph.error('gradients', 'the loss must be a scalar')

  // Forward: which values depend on a wanted tensor?
  const depends = new Set<Value>(wanted)
  const path = graph.steps.filter((step) => {
    if (!step.inputs.some((input) => depends.has(input))) return false
    for (const output of step.outputs) depends.add(output)
    return true
  })

  // Backward: collect contributions, and pass each step's total on to the inputs that depend on a wanted tensor.
  const contributions = new Map<Value, Contribution[]>([[loss, [graph.scalar(1, loss.dtype)]]])
  const totals = new Map<Value, Value>()
  const total = (value: Value): Value | undefined => {
    const known = totals.get(value)
    const parts = contributions.get(value)
    if (known || !parts) return known
    const sum = accumulate(value, parts)
    totals.set(value, sum)
    return sum
  }
  for (const step of path.toReversed()) {
    // A composite claims outputs of the nodes inside it: their gradients go through the composite alone.
    const outputGradients = step.outputs.map((output) =>
      graph.producers.get(output) === step ? total(output) : undefined,
    )
    if (outputGradients.every((gradient) => gradient === undefined)) continue
    const rules = gradientRules(step, outputGradients)
    step.inputs.forEach((input, i) => {
      const rule = rules[i]
      if (!rule || !depends.has(input)) return
      const given = [rule()].flat<(Contribution | readonly Contribution[])[]>()
      contributions.set(input, [...(contributions.get(input) ?? []), ...given])
    })
  }

  return new Map(
    wanted.map((value) => {
      const gradient = total(value)
      if (!gradient) throw graph.error('gradients', `the loss does not depend on "${value.name}"`)
      return [value, gradient]
    }),
  )
}

/** Gives out ∂loss/∂x as `<x>_grad` for every tensor that is trained. */
export function outputGradients(loss: Value, trainable: readonly Value[]): void {
  for (const [{ graph, name }, gradient] of gradients(loss, trainable))
    graph.output(
      `${name}_grad`,
      gradient,
      "the tensor's gradient; those of a step's micro-batches add up to the step's",
    )
}

function gradientRules(step: Node | Composite, outputGradients: readonly (Value | undefined)[]) {
  if (!('operator' in step)) return step.gradient(outputGradients)
  const { gradient, name } = step.operator
  if (gradient === 'not differentiable') {
    throw new Error(`${name} at ${step.name} is not differentiable, but a gradient has to pass through it`)
  }
  return gradient(step, outputGradients)
}

/** Dense parts are summed; all rows are then added in one scatter, since each would copy the whole tensor. */
function accumulate(value: Value, parts: readonly Contribution[]): Value {
  const dense = parts.filter((part): part is Value => 'dtype' in part)
  const scatters = parts.filter((part): part is RowScatter => !('dtype' in part))
  const sum = dense.length > 0 ? dense.reduce(add) : filledLike(0, value)
  if (scatters.length === 0) return sum
  const rowShape = value.shape.slice(1)
  const flat = scatters.map(({ indices, updates }) => {
    const count = dimProduct(indices.shape)
    return { indices: reshape(indices, [count]), updates: reshape(updates, [count, ...rowShape]) }
  })
  return scatterAddRows(
    sum,
    concat(
      flat.map(({ indices }) => indices),
      0,
    ),
    concat(
      flat.map(({ updates }) => updates),
      0,
    ),
  )
}
