/** @module */
import type { Value } from '../ir/graph.ts'
import { cast } from './cast.ts'
import { gather } from './gather.ts'
import { range } from './range.ts'

/**
 * Whole numbers 0 … most as float32. Those of int64 are looked up and not cast: a device without arithmetic of int64 has lookups by it
 * all the same.
 */
export const lookedUp = (numbers: Value, most: number): Value =>
  numbers.dtype === 'int64' ? gather(range(numbers, most + 1), numbers) : cast(numbers, 'float32')
