/** @module */
import { hashFraction } from '../../src/data/sets/splits.ts'
import { SPLIT_SEED } from './held_out.ts'

/** A whole number below `count` that depends on the name alone. */
export const draw = (count: number, ...name: readonly string[]): number =>
  Math.floor(count * hashFraction(SPLIT_SEED, name.join('\n')))
