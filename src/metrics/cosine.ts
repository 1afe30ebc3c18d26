/**
 * Cosine similarity (Salton and McGill, 1983).
 * @module
 */

/** a·b / (‖a‖·‖b‖), −1 … 1, in double precision. 0 if either vector is zero. Throws a RangeError if lengths differ. */
export function cosine(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length)
    throw new RangeError(`cosine: vectors must have one length, got ${a.length} and ${b.length}`)
  let dot = 0
  let squareA = 0
  let squareB = 0
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!
    squareA += a[i]! ** 2
    squareB += b[i]! ** 2
  }
  if (squareA === 0 || squareB === 0) return 0
  return Math.min(1, Math.max(-1, dot / (Math.sqrt(squareA) * Math.sqrt(squareB))))
}
