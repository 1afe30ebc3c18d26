/** @module */
import fc from 'fast-check'

/** The least float32 above 0 with all its digits. */
const LEAST_NORMAL = 2 ** -126

/** Finite float32 numbers but subnormal ones, which a process that has opened a session takes for 0. */
export const normalFloat = (bounds: { readonly min?: number; readonly max?: number } = {}) =>
  fc
    .float({ noNaN: true, noDefaultInfinity: true, ...bounds })
    .filter((value) => value === 0 || Math.abs(value) >= LEAST_NORMAL)
