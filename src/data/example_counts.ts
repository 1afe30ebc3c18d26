/**
 * Counts over encoded examples, and percentiles of their lengths, in memory that does not grow with them.
 * @module
 */
import { countLabelled } from './encode.ts'
import type { Encoded } from './encode.ts'

export interface ExampleCounts {
  readonly examples: number
  readonly tokens: number
  /** Tokens that carry loss. */
  readonly labelledTokens: number
  /** Examples whose completion was cut. */
  readonly truncated: number
  /** Rows left out: prompt too long, or nothing to learn. */
  readonly skipped: number
  /** Tokens of an example at these percentiles (nearest rank); p100 is the longest. */
  readonly lengths: { readonly p50: number; readonly p90: number; readonly p99: number; readonly p100: number }
}

/** Nearest rank: the smallest length that at least `percent` % of the examples do not exceed. */
function percentile(histogram: Uint32Array, examples: number, percent: number): number {
  const rank = Math.ceil((percent / 100) * examples)
  let seen = 0
  return Math.max(
    0,
    histogram.findIndex((count) => (seen += count) >= rank),
  )
}

export interface Tally {
  add(encoded: Encoded): void
  counts(): ExampleCounts
}

/** A tally for examples of at most `maxLength` tokens. */
export function createTally(maxLength: number): Tally {
  const histogram = new Uint32Array(maxLength + 1)
  let [examples, tokens, labelledTokens, truncated, skipped] = [0, 0, 0, 0, 0]
  return {
    add(encoded) {
      if (!encoded.example) {
        skipped++
        return
      }
      const { length } = encoded.example.input_ids
      examples++
      tokens += length
      labelledTokens += countLabelled(encoded.example)
      truncated += Number(encoded.truncated)
      histogram[length]!++
    },
    counts() {
      const at = (percent: number): number => percentile(histogram, examples, percent)
      const lengths = { p50: at(50), p90: at(90), p99: at(99), p100: at(100) }
      return { examples, tokens, labelledTokens, truncated, skipped, lengths }
    },
  }
}
