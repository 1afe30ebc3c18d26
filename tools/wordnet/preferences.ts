/**
 * The preference pairs that are shipped: a word, its right definition, and a wrong one of four kinds. That it is wrong can
 * be told from the text alone, without knowing the word.
 *
 * - `truncated`: the right one, broken off after a word that cannot be the last, such as "of" or "the";
 * - `repetitive`: it begins as the right one, and then a phrase of it comes again and again;
 * - `sense`: the definition of another sense of the word, of another part of speech than the one that is named;
 * - `sibling`: that of another word of the same hypernym; only the right one shares a stem with the word.
 * @module
 */
import { hashFraction } from '../../src/data/sets/splits.ts'
import type { Split } from '../../src/data/sets/splits.ts'
import type { WordNet } from './database.ts'
import { sampleDictionary } from './dictionary.ts'
import { repeat, truncate } from './garbled.ts'
import { SPLIT_SEED } from './held_out.ts'
import { otherDefinitions } from './other_definitions.ts'
import type { Contrast } from './other_definitions.ts'

export const KINDS = ['truncated', 'repetitive', 'sense', 'sibling'] as const
export type Kind = (typeof KINDS)[number]

export interface PreferencePair extends Contrast {
  /** The part of speech that is meant, where there are two senses to tell apart; else empty. */
  readonly partOfSpeech: string
  readonly kind: Kind
}

/** Pairs wanted of each kind and split; fewer where WordNet has no more that qualify. */
const WANTED: Readonly<Record<Kind, Readonly<Record<Split, number>>>> = {
  truncated: { train: 2640, validation: 165, test: 165 },
  repetitive: { train: 2640, validation: 165, test: 165 },
  sense: { train: 1760, validation: 110, test: 110 },
  sibling: { train: 960, validation: 60, test: 60 },
}

/** Makes the pairs, sorted by word. Words and right definitions of validation and test occur in no other split. */
export function samplePreferences(wordnet: WordNet): PreferencePair[] {
  const entries = sampleDictionary(wordnet)
  const garbled = (garble: (definition: string) => string | undefined): Contrast[] =>
    entries.flatMap(({ word, partOfSpeech, definition, split }) => {
      const rejected = garble(definition)
      return rejected === undefined ? [] : [{ word, partOfSpeech, chosen: definition, rejected, split }]
    })
  const candidates: Readonly<Record<Kind, readonly Contrast[]>> = {
    truncated: garbled(truncate),
    repetitive: garbled(repeat),
    ...otherDefinitions(wordnet),
  }
  const pairs = KINDS.flatMap((kind) =>
    sample(candidates[kind], kind).map((pair) => {
      return { ...pair, partOfSpeech: kind === 'sense' ? pair.partOfSpeech : '', kind }
    }),
  )
  return pairs.sort((a, b) => compare(a.word, b.word) || compare(a.kind, b.kind))
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** As many of each split as are wanted, drawn by a hash; each word of a part of speech and each definition once. */
function sample(candidates: readonly Contrast[], kind: Kind): Contrast[] {
  const rank = new Map(
    candidates.map((one) => [one, hashFraction(SPLIT_SEED, `${kind} ${one.word} ${one.chosen}`)]),
  )
  const left = { ...WANTED[kind] }
  const seen = new Set<string>()
  return candidates
    .toSorted((a, b) => rank.get(a)! - rank.get(b)!)
    .filter(({ word, partOfSpeech, chosen, split }) => {
      const key = `${partOfSpeech}:${word}`
      if (left[split] === 0 || seen.has(key) || seen.has(chosen)) return false
      seen.add(key).add(chosen)
      left[split] -= 1
      return true
    })
}
