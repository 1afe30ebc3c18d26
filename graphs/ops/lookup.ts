/** @module */
import type { Value } from '../ir/graph.ts'
import { gather } from './gather.ts'
import { range } from './range.ts'

/**
 * Whole numbers 0 … most (int64) as float32, looked up and not cast: a device without arithmetic of int64 has lookups by it all the
 * same.
 */
export const lookedUp = (numbers: Value, most: number): Value => gather(range(numbers, most + 1), numbers)
