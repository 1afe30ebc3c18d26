/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { emit, inferUnary, number } from './common.ts'

/** yᵢ = Σ xⱼ over j ≤ i along an axis; `exclusive`: j < i; `reverse`: from the other end. */
export const CumSum: Operator = {
  name: 'CumSum',
  unwritten: ['axis'],
  infer: inferUnary,
  // ∂L/∂xⱼ = Σ ∂L/∂yᵢ over i ≥ j
  gradient: ({ inputs: [, axis], attributes }, [dy]) => [
    () => emit(CumSum, [dy!, axis!], { ...attributes, reverse: 1 - number(attributes, 'reverse', 0) }),
    undefined,
  ],
}

/**
 * The sums of x along a (non-negative) axis up to each place, without what stands there where `exclusive`; from the other end where
 * `reverse`.
 */
export const cumsum = (x: Value, axis: number, { exclusive = false, reverse = false } = {}): Value =>
  emit(CumSum, [x, x.graph.scalar(axis, 'int64')], {
    ...{ axis, exclusive: Number(exclusive), reverse: Number(reverse) },
  })
