/**
 * What losses of pairs share. What is known of each answer is [pairs, 2], the chosen answer's first.
 * @module
 */
import type { Value } from '../ir/graph.ts'
import { div, maximum, mul, reduceSum } from '../ops/index.ts'

/** x₊ − x₋ of each pair: [pairs, 2] → [pairs]. */
export const chosenLessRejected = (x: Value): Value => combined(x, 1, -1)

/** x₊ of each pair: [pairs, 2] → [pairs]. */
export const ofChosen = (x: Value): Value => combined(x, 1, 0)

const combined = (x: Value, chosen: number, rejected: number): Value =>
  reduceSum(mul(x, x.graph.constant([chosen, rejected], x.dtype)), [-1], false)

/** The mean over each answer's tokens, from the sum over them; an empty answer's is 0. [pairs, 2], [pairs, 2] → [pairs, 2] */
export const perToken = (sums: Value, lengths: Value): Value => div(sums, maximum(lengths, 1))
