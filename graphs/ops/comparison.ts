/**
 * Comparisons, element by element, and what joins their booleans.
 * @module
 */
import type { Operator } from '../ir/operator.ts'
import { binary, inferBinary } from './common.ts'

/** z = [x = y]. */
export const Equal: Operator = {
  name: 'Equal',
  infer: inferBinary('bool'),
  gradient: 'not differentiable',
}

/** z = [x = y]. Shapes broadcast. */
export const equal = binary(Equal)

/** z = [x > y]. */
export const Greater: Operator = {
  name: 'Greater',
  infer: inferBinary('bool'),
  gradient: 'not differentiable',
}

/** z = [x > y]. Shapes broadcast. */
export const greater = binary(Greater)

/** z = [x ≥ y]. */
export const GreaterOrEqual: Operator = {
  name: 'GreaterOrEqual',
  infer: inferBinary('bool'),
  gradient: 'not differentiable',
}

/** z = [x ≥ y]. Shapes broadcast. */
export const greaterOrEqual = binary(GreaterOrEqual)

/** z = [x < y]. */
export const Less: Operator = {
  name: 'Less',
  infer: inferBinary('bool'),
  gradient: 'not differentiable',
}

/** z = [x < y]. Shapes broadcast. */
export const less = binary(Less)

/** z = x ∧ y, of booleans. */
export const And: Operator = {
  name: 'And',
  infer: inferBinary('bool'),
  gradient: 'not differentiable',
}

/** z = x ∧ y, of booleans. Shapes broadcast. */
export const and = binary(And)
