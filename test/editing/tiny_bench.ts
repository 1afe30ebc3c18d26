/** @module */
import { withFolder } from '../data/helpers.ts'
import { trainTinyConsolidation } from '../training/tiny_consolidation.ts'
import { openBench } from '../../tools/editing/bench.ts'
import type { Fact } from '../../tools/editing/facts.ts'
import type { Bench } from '../../tools/editing/method.ts'

const noun = (word: string, definition: string): Fact => ({ word, partOfSpeech: 'noun', definition })

export const taughtFacts = [noun('dog', 'an animal'), noun('sea', 'much water'), noun('hill', 'a slope')]
export const knownFacts = [
  noun('dot', 'a point'),
  noun('cat', 'a small animal'),
  noun('lake', 'still water'),
  { word: 'dig', partOfSpeech: 'verb', definition: 'make a hole' },
]

/** A bench on a tiny run of phase 3. */
export const withTinyBench = (use: (bench: Bench, run: string) => Promise<void>): Promise<void> =>
  withFolder(async (folder) => {
    const run = await trainTinyConsolidation(folder)
    const bench = await openBench(run, knownFacts)
    try {
      await use(bench, run)
    } finally {
      await bench.release()
    }
  })
