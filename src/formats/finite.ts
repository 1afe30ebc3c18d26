/** @module */

/** A number among the data that is infinite or none; undefined where all are finite. */
export function notFinite(data: Float32Array): number | undefined {
  // x − x is 0 for every finite x, and NaN else.
  for (const x of data) if (x - x !== 0) return x
  return undefined
}
