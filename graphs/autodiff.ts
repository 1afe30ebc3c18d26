/**
 * Reverse-mode automatic differentiation: one walk over the graph from the loss back, only along paths that
 * lead to a tensor whose gradient is wanted.
 * @module
 */
import type { Composite, Contribution, Node, RowScatter, Value } from './ir/graph.ts'
import type { DType, FloatType } from './ir/dtype.ts'
import { isHalf, wideType } from './ir/dtype.ts'
import {
  add,
  cast,
  concat,
  div,
  enteredAs,
  expandLike,
  reshape,
  rowsOf,
  scatterAddRows,
  widened,
} from './ops/index.ts'

/**
 * Adds the nodes that compute ∂loss/∂x for every wanted x.
 *
 * @param loss a scalar
 * @param wanted the tensors to differentiate by; each must influence the loss
 * @param seed what the walk begins with: 1, or by what all gradients are multiplied
 * @returns gradients of the wanted tensors' shapes
 * @throws where the path meets an operator that has no gradient, or a wanted tensor does not reach the loss
 */
export function gradients(
  loss: Value,
  wanted: readonly Value[],
  seed: Value = loss.graph.scalar(1, loss.dtype),
): Map<Value, Value> {
  const { graph } = loss
  if (loss.shape.length !== 0) throw graph.error('gradients', 'the loss must be a scalar')

  // Forward: which values depend on a wanted tensor?
  const depends = new Set<Value>(wanted)
  const path = graph.steps.filter((step) => {
    if (!step.inputs.some((input) => depends.has(input))) return false
    for (const output of step.outputs) depends.add(output)
    return true
  })

  const start = graph.nodes.length
  // Backward: collect contributions, and pass each step's total on to the inputs that depend on a wanted tensor.
  const contributions = new Map<Value, Contribution[]>([[loss, [seed]]])
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

  const found = new Map(
    wanted.map((value) => {
      const gradient = total(value)
      if (!gradient) throw graph.error('gradients', `the loss does not depend on "${value.name}"`)
      return [value, gradient]
    }),
  )
  graph.backward = { start, gradients: totals }
  return found
}

/**
 * Gives out ∂loss/∂x as `<x>_grad` for every tensor that is trained. Where the graph computes in float16, whose smallest number is
 * 6·10⁻⁸, one input more, `loss_scale`, multiplies all gradients on their way back; they leave as they would without it, but for
 * what was rounded to nothing, or to infinity. Micikevicius et al.: Mixed Precision Training (2017).
 *
 * @param dtype what the graph computes in
 */
export function outputGradients(
  loss: Value,
  trainable: readonly Value[],
  dtype: FloatType = loss.dtype as FloatType,
): void {
  const { graph } = loss
  const scale = dtype === 'float16' ? graph.input(LOSS_SCALE, wideType(dtype), [], SCALE_DOC) : undefined
  for (const [{ name }, gradient] of gradients(loss, trainable, scale))
    graph.output(
      `${name}_grad`,
      scale ? div(gradient, scale) : gradient,
      "the tensor's gradient; those of a step's micro-batches add up to the step's",
    )
}

/** The input that float16 gradients are scaled by. */
export const LOSS_SCALE = 'loss_scale'
const SCALE_DOC =
  'what gradients are multiplied by within the graph, so that float16 holds them: a power of two, halved after a step whose gradients are not finite'

function gradientRules(step: Node | Composite, outputGradients: readonly (Value | undefined)[]) {
  if (!('operator' in step)) return step.gradient(outputGradients)
  const { gradient, name } = step.operator
  if (gradient === 'not differentiable') {
    throw new Error(`${name} at ${step.name} is not differentiable, but a gradient has to pass through it`)
  }
  return gradient(step, outputGradients)
}

/**
 * Dense parts are summed; all rows are then added in one scatter, since each would copy the whole tensor. Of a tensor of 16 bits it
 * is summed in float32 where rows or parts of float32 are among them, and rounded then; what was rounded as it entered the graph
 * has a gradient of float32.
 */
function accumulate(value: Value, parts: readonly Contribution[]): Value {
  const entered = isHalf(value.dtype) && enteredAs(value) !== undefined
  const wide = isHalf(value.dtype) && (entered || parts.some((part) => dtypeOf(part) !== value.dtype))
  const sum = summed(value, wide ? parts.map(widenedPart) : parts)
  return entered ? sum : cast(sum, value.dtype)
}

/** The type that a part is added in. */
const dtypeOf = (part: Contribution): DType => ('dtype' in part ? part.dtype : 'float32')

const widenedPart = (part: Contribution): Contribution =>
  'dtype' in part ? widened(part) : { ...part, updates: widened(part.updates) }

function summed(value: Value, parts: readonly Contribution[]): Value {
  const dense = parts.filter((part): part is Value => 'dtype' in part)
  const scatters = parts.filter((part): part is RowScatter => !('dtype' in part))
  const zeros = () => expandLike(value.graph.scalar(0, scatters[0]!.updates.dtype), value)
  const sum = dense.length > 0 ? dense.reduce(add) : zeros()
  if (scatters.length === 0) return sum
  const rowShape = value.shape.slice(1)
  const flat = scatters.map(({ indices, updates }) => {
    const rows = rowsOf(sum, indices)
    return { rows, updates: reshape(updates, [rows.shape[0]!, ...rowShape]) }
  })
  return scatterAddRows(
    sum,
    concat(
      flat.map(({ rows }) => rows),
      0,
    ),
    concat(
      flat.map(({ updates }) => updates),
      0,
    ),
  )
}
