/**
 * What the configurations of all families are checked by.
 * @module
 */
import { z } from 'zod'

export const size = (largest: number) => z.int().min(1).max(largest)

/** Keys that change the computation in a way the graphs here do not follow, and the only value they may have. */
export const off = z.literal(false, 'only false is supported').optional()
