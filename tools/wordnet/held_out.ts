/**
 * Decides which synsets and words the model may see while it is pre-trained.
 * A synset belongs to test or validation by a seeded hash of its id, and then *all* its words are withheld: no line
 * of the training corpus has one of them as its headword, whichever sense it gives.
 * @module
 */
import { hashFraction } from '../../src/data/sets/splits.ts'
import type { Split } from '../../src/data/sets/splits.ts'
import type { Synset } from './database.ts'

export const SPLIT_SEED = 20
const FRACTIONS = { validation: 0.015, test: 0.015 }

function splitOfId(id: string): Split {
  const drawn = hashFraction(SPLIT_SEED, id)
  if (drawn < FRACTIONS.test) return 'test'
  return drawn < FRACTIONS.test + FRACTIONS.validation ? 'validation' : 'train'
}

/** A headword in lower case → the strictest split of the synsets it is in (test before validation before train). */
export function splitWords(synsets: readonly Synset[]): {
  splitOfSynset: (synset: Synset) => Split
  splitOfWord: (word: string) => Split
} {
  const splits = new Map(synsets.map(({ id }) => [id, splitOfId(id)]))
  const splitOfSynset = ({ id }: Synset): Split => splits.get(id)!
  const withheld = new Map<string, Split>()
  for (const split of ['validation', 'test'] as const) {
    for (const synset of synsets) {
      if (splitOfSynset(synset) !== split) continue
      for (const lemma of synset.lemmas) withheld.set(lemma.toLowerCase(), split)
    }
  }
  return { splitOfSynset, splitOfWord: (word) => withheld.get(word.toLowerCase()) ?? 'train' }
}
