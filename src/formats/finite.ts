/** @module */

/** A number among the data that is infinite or none; undefined where all are finite. */
export function notFinite(data: Float32Array): number | undefined {
  // 0·x is 0 for every finite x, and NaN else: one sum over all, without a branch.
  let sum = 0
  for (let i = 0; i < data.length; i++) sum += 0 * data[i]!
  return sum === 0 ? undefined : data.find((x) => !Number.isFinite(x))
}
