/**
 * Comparisons, element by element, and what joins their booleans.
 * @module
 */
import type { Operator } from '../ir/operator.ts'
import { widened } from './cast.ts'
import type { Binary, Operand } from './common.ts'
import { binary, emit, inferBinary, valuesOf } from './common.ts'

/** The function of a comparison; numbers of 16 bits are compared as float32. */
const comparison = (operator: Operator): Binary => {
  const wide = (x: Operand): Operand => (typeof x === 'number' ? x : widened(x))
  return (x: Operand, y: Operand) => emit(operator, valuesOf(operator, [wide(x), wide(y)]))
}

/** z = [x = y]. */
export const Equal: Operator = {
  name: 'Equal',
  infer: inferBinary('bool'),
  gradient: 'not differentiable',
}

/** z = [x = y]. Shapes broadcast. */
export const equal = comparison(Equal)

/** z = [x > y]. */
export const Greater: Operator = {
  name: 'Greater',
  infer: inferBinary('bool'),
  gradient: 'not differentiable',
}

/** z = [x > y]. Shapes broadcast. */
export const greater = comparison(Greater)

/** z = [x ≥ y]. */
export const GreaterOrEqual: Operator = {
  name: 'GreaterOrEqual',
  infer: inferBinary('bool'),
  gradient: 'not differentiable',
}

/** z = [x ≥ y]. Shapes broadcast. */
export const greaterOrEqual = comparison(GreaterOrEqual)

/** z = [x < y]. */
export const Less: Operator = {
  name: 'Less',
  infer: inferBinary('bool'),
  gradient: 'not differentiable',
}

/** z = [x < y]. Shapes broadcast. */
export const less = comparison(Less)

/** z = x ∧ y, of booleans. */
export const And: Operator = {
  name: 'And',
  infer: inferBinary('bool'),
  gradient: 'not differentiable',
}

/** z = x ∧ y, of booleans. Shapes broadcast. */
export const and = binary(And)
