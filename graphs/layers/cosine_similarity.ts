/** @module */
import type { Value } from '../ir/graph.ts'
import { div, mul, reduceSum, sqrt, widened } from '../ops/index.ts'

/** cos(a, b) = a·b / √(‖a‖²·‖b‖²) of each row, which must not be zeros. [n, width], [n, width] → [n] */
export function cosineSimilarity(a: Value, b: Value): Value {
  const [x, y] = [widened(a), widened(b)]
  return div(dot(x, y), sqrt(mul(dot(x, x), dot(y, y))))
}

const dot = (a: Value, b: Value): Value => reduceSum(mul(a, b), [-1], false)
