/**
 * Pairs of answers for tests.
 * @module
 */
import fc from 'fast-check'

import type { EncodedExample } from '../../src/data/examples/encode.ts'
import { normalFloat } from '../normal_float.ts'
import { example } from './helpers.ts'

/** A pair's rows: the preferred answer's and the other's. */
export const pairOf = (
  prompt: readonly number[],
  chosen: readonly number[],
  rejected: readonly number[],
  margin = 0,
): [EncodedExample, EncodedExample] => [
  { ...example([...prompt, ...chosen], prompt.length), margin },
  { ...example([...prompt, ...rejected], prompt.length), margin },
]

const ids = (minLength: number) => fc.array(fc.nat(299), { minLength, maxLength: 12 })

/** Pairs whose answers differ; with a prompt. */
export const anyPair = fc
  .tuple(ids(1), ids(1), ids(1), normalFloat())
  .filter(([, chosen, rejected]) => chosen.join() !== rejected.join())
  .map(([prompt, chosen, rejected, margin]) => pairOf(prompt, chosen, rejected, margin))
