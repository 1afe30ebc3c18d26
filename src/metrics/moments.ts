/** @module */

/** Mean and unbiased variance, which of one number is 0. */
export function moments(values: ArrayLike<number>): { mean: number; variance: number } {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]!
  const mean = sum / values.length
  let squares = 0
  for (let i = 0; i < values.length; i++) squares += (values[i]! - mean) ** 2
  return { mean, variance: squares / Math.max(1, values.length - 1) }
}
