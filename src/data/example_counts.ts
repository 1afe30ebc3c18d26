/**
 * Counts over encoded examples, and percentiles of their lengths, in memory that does not grow with them.
 * @module
 */
import { countLabelled } from './encode.ts'
import type { Encoded } from './encode.ts'

export interface ExampleCounts {
  readonly examples: number
  readonly tokens: number
  /** Tokens that carry loss; 0 for classification, where the class does. */
  readonly labelledTokens: number
  /** Examples that were cut at their end, and the tokens they lost. */
  readonly truncated: number
  readonly cutTokens: number
  /** Tokens of the longest example before it was cut. */
  readonly longest: number
  /** Rows left out: `empty` with nothing to learn, `overlong` with a prompt that leaves no room; and both together. */
  readonly skipped: number
  readonly empty: number
  readonly overlong: number
  /** Tokens of an example at these percentiles (nearest rank); p100 is the longest. */
  readonly lengths: { readonly p50: number; readonly p90: number; readonly p99: number; readonly p100: number }
  /** Classification: examples of each class, in the classes' order. */
  readonly classCounts?: readonly number[]
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

/** A tally for examples of at most `maxLength` tokens, and of so many classes, if any. */
export function createTally(maxLength: number, classes = 0): Tally {
  const histogram = new Uint32Array(maxLength + 1)
  const perClass = new Array<number>(classes).fill(0)
  const leftOut = { empty: 0, overlong: 0 }
  let [examples, tokens, labelledTokens, truncated, cutTokens, longest] = [0, 0, 0, 0, 0, 0]
  return {
    add(encoded) {
      if (!encoded.example) {
        leftOut[encoded.leftOut]++
        return
      }
      const { example, cut } = encoded
      const { length } = example.input_ids
      examples++
      tokens += length
      labelledTokens += countLabelled(example)
      truncated += Number(cut > 0)
      cutTokens += cut
      longest = Math.max(longest, length + cut)
      histogram[length]!++
      if (classes > 0) perClass[example.labels[0]!]!++
    },
    counts() {
      const at = (percent: number): number => percentile(histogram, examples, percent)
      return {
        ...{ examples, tokens, labelledTokens, truncated, cutTokens, longest },
        skipped: leftOut.empty + leftOut.overlong,
        ...leftOut,
        lengths: { p50: at(50), p90: at(90), p99: at(99), p100: at(100) },
        ...(classes > 0 ? { classCounts: [...perClass] } : {}),
      }
    },
  }
}
