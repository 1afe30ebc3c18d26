/** @module */
import { createHash } from 'node:crypto'

import type { Encoded } from '../examples/encode.ts'

/** Counts examples to evaluate on that are learned from, too, token for token. Those to learn from come first. */
export function createOverlap(): {
  readonly learned: (encoded: Encoded) => void
  readonly judged: (encoded: Encoded) => void
  readonly count: () => number
} {
  const known = new Set<string>()
  let count = 0
  return {
    learned({ example }) {
      if (example) known.add(digestOf(example.input_ids))
    },
    judged({ example }) {
      if (example && known.has(digestOf(example.input_ids))) count++
    },
    count: () => count,
  }
}

const digestOf = (tokens: Int32Array): string => createHash('sha1').update(tokens).digest('base64')
