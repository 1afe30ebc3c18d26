/**
 * The data sets that are being prepared, one for each split that has examples, as Arrow files wherever these go; and their counts.
 * @module
 */
import type { ArrowFacts } from './arrow_format.ts'
import { createArrowWriter } from './arrow_writer.ts'
import type { ArrowWriter, ByteSink } from './arrow_writer.ts'
import type { Encoded } from '../examples/encode.ts'
import { createTally } from '../examples/example_counts.ts'
import type { ExampleCounts, Tally } from '../examples/example_counts.ts'
import { SPLITS } from './splits.ts'
import type { Split } from './splits.ts'

export type SplitCounts = Partial<Record<Split, ExampleCounts>>

/** Opens the file of a split, to be written in order. */
export type OpenSplit = (split: Split) => Promise<ByteSink>

export interface SplitSets {
  add(split: Split, encoded: Encoded): Promise<void>
  /** Completes the files, and counts the splits that had rows. */
  finish(): Promise<SplitCounts>
}

/**
 * Files are opened when their first example comes. A split's fingerprint is the sources' and the split's name.
 *
 * @param prompts whether of each example the prompt counts, and labels are an answer to compare with
 */
export function createSplitSets(open: OpenSplit, facts: ArrowFacts, prompts = false): SplitSets {
  const writers = new Map<Split, ArrowWriter>()
  const tallies = new Map<Split, Tally>()
  let oddSeen = false

  async function openWriter(split: Split): Promise<ArrowWriter> {
    const writer = createArrowWriter(await open(split), {
      ...facts,
      fingerprint: `${facts.fingerprint}-${split}`,
    })
    writers.set(split, writer)
    return writer
  }

  return {
    async add(split, encoded) {
      const tally = tallies.get(split) ?? createTally(facts.maxLength, facts.classes.length, prompts)
      tallies.set(split, tally)
      if (!encoded.example) {
        const { leftOut, reason } = encoded
        tally.add(reason === undefined || oddSeen ? { leftOut } : encoded)
        oddSeen ||= reason !== undefined
        return
      }
      tally.add(encoded)
      const writer = writers.get(split) ?? (await openWriter(split))
      await writer.write(encoded.example)
      if (encoded.rejected) await writer.write(encoded.rejected.example)
    },
    async finish() {
      for (const writer of writers.values()) await writer.finish()
      const counted = SPLITS.filter((split) => tallies.has(split))
      return Object.fromEntries(counted.map((split) => [split, tallies.get(split)!.counts()]))
    },
  }
}
