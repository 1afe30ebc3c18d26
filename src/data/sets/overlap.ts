/** @module */
import { sha256 } from '@noble/hashes/sha2.js'

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

const digestOf = (tokens: Int32Array): string =>
  String.fromCharCode(...sha256(new Uint8Array(tokens.buffer, tokens.byteOffset, tokens.byteLength)))
