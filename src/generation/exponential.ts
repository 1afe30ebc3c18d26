/**
 * exp for softmax over a vocabulary, where JavaScript's own, which is exact to the last bit, is most of the time.
 *
 * exp(x) = 2^k · 2^(j/64) · exp(q), where n = 64k + j is x·64/ln 2 rounded, and so |q| ≤ ln 2/128: a power of two, an entry of
 * a table, and a polynomial (Tang: Table-Driven Implementation of the Exponential Function in IEEE Floating-Point Arithmetic,
 * 1989).
 * @module
 */
const PARTS = 64
const ROOTS = Float64Array.from({ length: PARTS }, (_, j) => 2 ** (j / PARTS))
/** Below exp(−104) a float32 is 0. */
const SMALLEST = -104
const LOWEST = -151
const POWERS = Float64Array.from({ length: 1 - LOWEST }, (_, i) => 2 ** (LOWEST + i))
const PER_LOG = PARTS / Math.LN2
const LOG_PER = Math.LN2 / PARTS

/**
 * @param x ≤ 0
 * @returns exp(x) up to 2e-14 of it, for what rounding n·ln 2/64 does to q; 0 where it is too small for a float32
 */
export function exponential(x: number): number {
  if (x <= SMALLEST) return 0
  const n = (x * PER_LOG - 0.5) | 0
  const q = x - n * LOG_PER
  // exp(q) but for a term of q⁶/720, less than 1e-16
  const p = 1 + q * (1 + q * (1 / 2 + q * (1 / 6 + q * (1 / 24 + q * (1 / 120)))))
  return POWERS[(n >> 6) - LOWEST]! * ROOTS[n & (PARTS - 1)]! * p
}
