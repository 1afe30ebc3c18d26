/** @module */
import type { Value } from '../ir/graph.ts'
import { div, mul, reduceSum, sqrt } from '../ops/index.ts'

/** cos(a, b) = a·b / √(‖a‖²·‖b‖²) of each row, which must not be zeros. [n, width], [n, width] → [n] */
export const cosineSimilarity = (a: Value, b: Value): Value => div(dot(a, b), sqrt(mul(dot(a, a), dot(b, b))))

const dot = (a: Value, b: Value): Value => reduceSum(mul(a, b), [-1], false)
