/**
 * Random pairs for runs on the fixture model.
 * @module
 */
import type { EncodedExample } from '../../src/data/examples/encode.ts'
import { createRandom } from '../../src/random.ts'
import { pairOf } from '../data/pairs.ts'

const VOCABULARY = 97

/** Pairs with prompts of 1 to 8 tokens, answers of 1 to 10 and margins from 0 to 1, row after row. */
export function randomPairs(count: number, name: string): EncodedExample[] {
  const { integer, uniform } = createRandom('random pairs', name)
  const ids = (most: number) => Array.from({ length: 1 + integer(most) }, () => integer(VOCABULARY))
  return Array.from({ length: count }, () => pairOf(ids(8), ids(10), ids(10), uniform())).flat()
}
