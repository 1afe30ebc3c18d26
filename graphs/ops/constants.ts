/**
 * Constants that take their dtype from a neighbour.
 * @module
 */
import type { Value } from '../ir/graph.ts'

/** A scalar of `x`'s dtype. */
export const scalarLike = (x: Value, value: number): Value => x.graph.scalar(value, x.dtype)

/** An int64 vector. */
export const indices = (x: Value, values: readonly number[]): Value => x.graph.constant(values, 'int64')
