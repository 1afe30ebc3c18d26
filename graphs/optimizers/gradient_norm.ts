/**
 * Norms of gradients, and clipping by them: Pascanu, Mikolov, Bengio: On the difficulty of training recurrent neural networks (2013).
 * @module
 */
import type { Value } from '../ir/graph.ts'
import { sizeOf } from '../ir/shape.ts'
import { add, div, minimum, mul, reduceSum, reshape } from '../ops/index.ts'

/**
 * What gradients are multiplied by: min(1, max_norm / (‖g‖ + 1e-6)), as PyTorch's clip_grad_norm_ has it.
 *
 * @param norm of all gradients together, a scalar
 */
export function clipFactor(norm: Value, max_grad_norm: number | null): Value {
  const scalar = (x: number) => norm.graph.scalar(x, norm.dtype)
  return max_grad_norm === null ? scalar(1) : minimum(scalar(1), div(scalar(max_grad_norm), add(norm, 1e-6)))
}

/**
 * Σ x² of a tensor, rows first: a flat float32 sum over millions of values loses almost a percent, the sum of the
 * rows' sums does not.
 */
export function sumOfSquares(x: Value): Value {
  const squares = mul(x, x)
  const size = sizeOf(x.shape as readonly number[])
  const rows = largestDivisorUpTo(size, Math.sqrt(size))
  return reduceSum(reduceSum(reshape(squares, [rows, size / rows]), [1], false), [0], false)
}

function largestDivisorUpTo(size: number, limit: number): number {
  for (let divisor = Math.floor(limit); divisor > 1; divisor--) if (size % divisor === 0) return divisor
  return 1
}
