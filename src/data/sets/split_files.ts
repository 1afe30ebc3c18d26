/**
 * The Arrow files of a folder being prepared, one for each split that has examples, and their counts.
 * @module
 */
import type { FileHandle } from 'node:fs/promises'
import { open } from 'node:fs/promises'

import type { ArrowFacts } from './arrow_format.ts'
import { createArrowWriter } from './arrow_writer.ts'
import type { ArrowWriter } from './arrow_writer.ts'
import type { Encoded } from '../examples/encode.ts'
import { createTally } from '../examples/example_counts.ts'
import type { ExampleCounts, Tally } from '../examples/example_counts.ts'
import { splitFile, SPLITS } from './splits.ts'
import type { Split } from './splits.ts'

export type SplitCounts = Partial<Record<Split, ExampleCounts>>

export interface SplitFiles {
  add(split: Split, encoded: Encoded): Promise<void>
  /** Completes the files, and counts the splits that had rows. */
  finish(): Promise<SplitCounts>
  /** Closes the files, complete or not. */
  close(): Promise<void>
}

/**
 * Files are made when their first example comes. A split's fingerprint is the sources' and the split's name.
 *
 * @param prompts whether of each example the prompt counts, and labels are an answer to compare with
 */
export function createSplitFiles(folder: string, facts: ArrowFacts, prompts = false): SplitFiles {
  const outputs = new Map<Split, { file: FileHandle; writer: ArrowWriter }>()
  const tallies = new Map<Split, Tally>()
  let oddSeen = false

  async function openOutput(split: Split): Promise<ArrowWriter> {
    const file = await open(splitFile(folder, split), 'w')
    const writer = createArrowWriter((chunk) => file.writeFile(chunk), {
      ...facts,
      fingerprint: `${facts.fingerprint}-${split}`,
    })
    outputs.set(split, { file, writer })
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
      const writer = outputs.get(split)?.writer ?? (await openOutput(split))
      await writer.write(encoded.example)
      if (encoded.rejected) await writer.write(encoded.rejected.example)
    },
    async finish() {
      for (const { writer } of outputs.values()) await writer.finish()
      const counted = SPLITS.filter((split) => tallies.has(split))
      return Object.fromEntries(counted.map((split) => [split, tallies.get(split)!.counts()]))
    },
    async close() {
      for (const { file } of outputs.values()) await file.close()
    },
  }
}
