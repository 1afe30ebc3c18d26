/** @module */
import type { Value } from '../ir/graph.ts'
import { mul, reduceSum } from '../ops/index.ts'

/** Σ wᵢ·xᵢ. With weights 1/(how many x the optimizer step has) it is their mean. [n], [n] → scalar */
export const weightedSum = (x: Value, weights: Value): Value => reduceSum(mul(x, weights), [0], false)
