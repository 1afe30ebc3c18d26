/**
 * The dictionary that is shipped: common single words with one definition each, split by held-out synsets.
 * @module
 */
import { hashFraction } from '../../src/data/sets/splits.ts'
import type { Split } from '../../src/data/sets/splits.ts'
import type { Synset, WordNet } from './database.ts'
import { SPLIT_SEED, splitWords } from './held_out.ts'
import { examplesOf, suitability } from './suitable.ts'

export interface Entry {
  readonly word: string
  readonly partOfSpeech: string
  readonly definition: string
  /** May be empty. */
  readonly example: string
  readonly split: Split
}

/** Rows wanted of each split; fewer where WordNet has no more that qualify. */
const WANTED: Readonly<Record<Split, number>> = { train: 10_800, validation: 600, test: 600 }
export const WORD = /^[a-z]{3,16}$/
/** A word is common when at least this many synsets other than its own use it in their gloss. */
const MIN_USES = 2
/** Only a word's most frequent senses are worth learning as "the" definition. */
export const MAX_SENSE = 3

/** How many synsets use each word in their definition or examples without being about it. */
function countUses(synsets: readonly Synset[]): Map<string, number> {
  const uses = new Map<string, number>()
  for (const synset of synsets) {
    const words = new Set(
      [synset.definition, ...synset.examples]
        .join(' ')
        .toLowerCase()
        .match(/[a-z]+/g),
    )
    for (const word of words) if (!synset.lemmas.includes(word)) uses.set(word, (uses.get(word) ?? 0) + 1)
  }
  return uses
}

/**
 * Samples the dictionary, sorted by word. Each (word, part of speech) and each synset occurs once. Words of validation
 * and test occur in no other split, neither do their definitions.
 */
export function sampleDictionary({ synsets, senses }: WordNet): Entry[] {
  const { splitOfSynset, splitOfWord } = splitWords(synsets)
  const suitable = suitability(synsets)
  const uses = countUses(synsets)
  const trainDefinitions = new Set(
    synsets.filter((synset) => splitOfSynset(synset) === 'train').map((synset) => synset.definition),
  )
  const candidates: { synset: Synset; word: string; sense: number; split: Split }[] = []
  for (const synset of synsets) {
    const split = splitOfSynset(synset)
    const { length } = synset.definition
    if (!suitable(synset) || length < 10 || length > 120) continue
    if (split !== 'train' && trainDefinitions.has(synset.definition)) continue
    for (const word of synset.lemmas) {
      const sense = senses.get(`${synset.partOfSpeech}:${word}`)?.indexOf(synset.id) ?? -1
      const common = WORD.test(word) && (uses.get(word) ?? 0) >= MIN_USES
      if (!common || sense < 0 || sense >= MAX_SENSE || splitOfWord(word) !== split) continue
      candidates.push({ synset, word, sense, split })
    }
  }
  const rank = new Map(candidates.map((c) => [c, hashFraction(SPLIT_SEED, `${c.word} ${c.synset.id}`)]))
  candidates.sort((a, b) => a.sense - b.sense || rank.get(a)! - rank.get(b)!)

  const seen = new Set<string>()
  const left = { ...WANTED }
  const entries: Entry[] = []
  for (const { synset, word, split } of candidates) {
    const key = `${synset.partOfSpeech}:${word}`
    if (left[split] === 0 || seen.has(key) || seen.has(synset.id)) continue
    seen.add(key).add(synset.id)
    left[split] -= 1
    const { partOfSpeech, definition } = synset
    entries.push({ word, partOfSpeech, definition, example: examplesOf(synset, word)[0] ?? '', split })
  }
  return entries.sort((a, b) => (a.word < b.word ? -1 : a.word > b.word ? 1 : 0))
}
