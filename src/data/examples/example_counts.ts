/**
 * Counts over encoded examples, and percentiles of their lengths, in memory that does not grow with them.
 * @module
 */
import { countLabelled, LEFT_OUT, promptLength } from './encode.ts'
import type { Encoded, LeftOut } from './encode.ts'

export interface ExampleCounts {
  /** Examples; a pair of answers is one, whose length is that of its longer row. */
  readonly examples: number
  /** Tokens of all rows: of a pair's, the prompt counts twice; of prompts to answer, theirs alone. */
  readonly tokens: number
  /** Tokens that carry loss; 0 for classification, where the class does. Of prompts those of the answers to compare with. */
  readonly labelledTokens: number
  /** Examples that were cut at their end, and the tokens they lost. */
  readonly truncated: number
  readonly cutTokens: number
  /** Tokens of the longest example before it was cut. */
  readonly longest: number
  /**
   * Rows left out: `empty` with nothing to learn, `overlong` with a prompt that leaves no room, `tie` with two answers that
   * are the same, `odd` where they do not fit their template; and all together.
   */
  readonly skipped: number
  readonly empty: number
  readonly overlong: number
  readonly tie: number
  readonly odd: number
  /** What is wrong with the first odd row of the data, where it is of this split. */
  readonly firstOdd?: string
  /** Tokens of an example at these percentiles (nearest rank); p100 is the longest. */
  readonly lengths: {
    readonly p50: number
    readonly p90: number
    readonly p99: number
    readonly p100: number
  }
  /** Classification: examples of each class, in the classes' order. */
  readonly classCounts?: readonly number[]
  /** Unpaired answers: how many are desirable. */
  readonly desirable?: number
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

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

export interface Tally {
  add(encoded: Encoded): void
  counts(): ExampleCounts
}

/**
 * A tally for examples of at most `maxLength` tokens.
 *
 * @param classes how many there are, if any
 * @param prompts whether of each example the prompt counts, and labels are an answer to compare with
 */
export function createTally(maxLength: number, classes = 0, prompts = false): Tally {
  const histogram = new Uint32Array(maxLength + 1)
  const perClass = new Array<number>(classes).fill(0)
  const leftOut: Record<LeftOut, number> = { empty: 0, overlong: 0, tie: 0, odd: 0 }
  let desirable: number | undefined
  let firstOdd: string | undefined
  let [examples, tokens, labelledTokens, truncated, cutTokens, longest] = [0, 0, 0, 0, 0, 0]
  return {
    add(encoded) {
      if (!encoded.example) {
        leftOut[encoded.leftOut]++
        firstOdd ??= encoded.reason
        return
      }
      const rows = encoded.rejected ? [encoded, encoded.rejected] : [encoded]
      const wholes = rows.map(({ example }) => example.input_ids.length)
      const lengths = prompts ? rows.map(({ example }) => promptLength(example)) : wholes
      const cut = sum(rows.map((row) => row.cut))
      examples++
      tokens += sum(lengths)
      labelledTokens += sum(rows.map(({ example }) => countLabelled(example)))
      truncated += Number(cut > 0)
      cutTokens += cut
      longest = Math.max(longest, ...rows.map((row, i) => wholes[i]! + row.cut))
      histogram[Math.max(...lengths)]!++
      const { desirable: marked } = encoded.example
      if (marked !== undefined) desirable = (desirable ?? 0) + Number(marked)
      if (classes > 0) perClass[encoded.example.labels[0]!]!++
    },
    counts() {
      const at = (percent: number): number => percentile(histogram, examples, percent)
      return {
        ...{ examples, tokens, labelledTokens, truncated, cutTokens, longest },
        skipped: sum(LEFT_OUT.map((reason) => leftOut[reason])),
        ...leftOut,
        lengths: { p50: at(50), p90: at(90), p99: at(99), p100: at(100) },
        ...(classes > 0 ? { classCounts: [...perClass] } : {}),
        ...(desirable === undefined ? {} : { desirable }),
        ...(firstOdd === undefined ? {} : { firstOdd }),
      }
    },
  }
}
