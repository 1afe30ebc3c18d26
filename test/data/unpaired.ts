/**
 * Answers that are judged by themselves, for tests.
 * @module
 */
import fc from 'fast-check'

import type { EncodedExample } from '../../src/data/examples/encode.ts'
import { example } from './helpers.ts'

export const unpairedOf = (
  prompt: readonly number[],
  completion: readonly number[],
  desirable: boolean,
): EncodedExample => ({ ...example([...prompt, ...completion], prompt.length), desirable })

const ids = fc.array(fc.nat(299), { minLength: 1, maxLength: 12 })

/** With a prompt. */
export const anyUnpaired = fc.tuple(ids, ids, fc.boolean()).map((given) => unpairedOf(...given))
