/** @module */

/** The number by which a machine reaches itself, and nobody else does. */
export const LOOPBACK = '127.0.0.1'

/** The port that is tried first. */
export const PORT = 7787
