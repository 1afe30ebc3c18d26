/** @module */
import { UserError } from '../errors.ts'

/** A number among the data that is infinite or none; undefined where all are finite. */
export function notFinite(data: Float32Array): number | undefined {
  // 0·x is 0 for every finite x, and NaN else: one sum over all, without a branch.
  let sum = 0
  for (let i = 0; i < data.length; i++) sum += 0 * data[i]!
  return sum === 0 ? undefined : data.find((x) => !Number.isFinite(x))
}

/**
 * Checks the numbers of a tensor that has been read. Training never saves one that is not finite, so the file has been damaged since.
 *
 * @param where its file or folder
 * @throws UserError naming the tensor
 */
export function checkFinite(where: string, name: string, data: Float32Array): void {
  const unsound = notFinite(data)
  if (unsound !== undefined)
    throw new UserError(
      `${where} is damaged: its tensor ${name} has values that are not finite (${unsound}); put it back from a copy, use another checkpoint, or train anew`,
    )
}
