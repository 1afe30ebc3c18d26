/**
 * Words with their right definition and one of another synset, of which the text tells that it is not the word's.
 * @module
 */
import type { Split } from '../../src/data/sets/splits.ts'
import { PARTS_OF_SPEECH } from './database.ts'
import type { Synset, WordNet } from './database.ts'
import { MAX_SENSE, WORD } from './dictionary.ts'
import { draw } from './draw.ts'
import { splitWords } from './held_out.ts'
import { suitability } from './suitable.ts'

export interface Contrast {
  readonly word: string
  readonly partOfSpeech: string
  readonly chosen: string
  readonly rejected: string
  readonly split: Split
}

/** Characters of a definition. */
const [SHORTEST, LONGEST] = [10, 120]
/** The wrong definition is at most so many times as long as the right one, and the other way round. */
const MAX_LENGTH_RATIO = 1.5
/** A single word or two. */
const PHRASE = /^[a-z]{3,16}([ -][a-z]{3,16})?$/
/** Words whose first so many letters are the same are believed to share a stem. */
const STEM_LETTERS = 4

const stemsOf = (text: string): Set<string> =>
  new Set((text.toLowerCase().match(/[a-z]{4,}/g) ?? []).map((word) => word.slice(0, STEM_LETTERS)))

/** Whether a word of the text begins as a part of the lemma does. */
export function sharesStem(lemma: string, text: string, stems = stemsOf(text)): boolean {
  return lemma.split(/[ -]/).some((part) => stems.has(part.slice(0, STEM_LETTERS)))
}

/**
 * All that qualify. `sense`: the wrong definition is another sense of the word, the main one of another part of speech.
 * `sibling`: it is another word's, of the same hypernym, and only the right one shares a stem with the word.
 *
 * The right definition is of the word's own split and in no other; in training both are, with all their words.
 */
export function otherDefinitions({ synsets, senses }: WordNet): Record<'sense' | 'sibling', Contrast[]> {
  const { splitOfSynset, splitOfWord } = splitWords(synsets)
  const suitable = suitability(synsets)
  const usable = synsets.filter((synset) => {
    const { length } = synset.definition
    return length >= SHORTEST && length <= LONGEST && suitable(synset)
  })
  const byId = new Map(usable.map((synset) => [synset.id, synset]))
  const stems = new Map(usable.map((synset) => [synset, stemsOf(synset.definition)]))
  const shares = (word: string, synset: Synset): boolean =>
    sharesStem(word, synset.definition, stems.get(synset))
  const hyponyms = new Map<string, Synset[]>()
  for (const synset of usable) {
    for (const id of synset.hypernyms) {
      const known = hyponyms.get(id)
      if (known) known.push(synset)
      else hyponyms.set(id, [synset])
    }
  }
  const trainDefinitions = new Set(
    synsets.filter((synset) => splitOfSynset(synset) === 'train').map(({ definition }) => definition),
  )
  const isOfTraining = (synset: Synset): boolean =>
    splitOfSynset(synset) === 'train' && synset.lemmas.every((lemma) => splitOfWord(lemma) === 'train')

  function contrast(word: string, synset: Synset, others: readonly Synset[]): Contrast[] {
    const split = splitOfSynset(synset)
    const { definition: chosen, partOfSpeech } = synset
    const fitting = others.filter((other) => {
      const ratio = other.definition.length / chosen.length
      const alike = Math.max(ratio, 1 / ratio) <= MAX_LENGTH_RATIO && other.definition !== chosen
      return alike && (split !== 'train' || isOfTraining(other))
    })
    if (fitting.length === 0) return []
    const rejected = fitting[draw(fitting.length, 'other', synset.id, word)]!.definition
    return [{ word, partOfSpeech, chosen, rejected, split }]
  }

  /** The first sense of a word in each part of speech but one. */
  const mainSenses = (word: string, except: string): Synset[] =>
    Object.values(PARTS_OF_SPEECH).flatMap((part) => {
      const id = part === except ? undefined : senses.get(`${part}:${word}`)?.[0]
      return id === undefined ? [] : (byId.get(id) ?? [])
    })

  const words = usable
    .filter((synset) => splitOfSynset(synset) === 'train' || !trainDefinitions.has(synset.definition))
    .flatMap((synset) => synset.lemmas.map((word) => ({ word, synset })))
    .filter(({ word, synset }) => splitOfWord(word) === splitOfSynset(synset))

  return {
    sense: words.flatMap(({ word, synset }) => {
      const sense = senses.get(`${synset.partOfSpeech}:${word}`)?.indexOf(synset.id) ?? -1
      if (!WORD.test(word) || sense < 0 || sense >= MAX_SENSE) return []
      return contrast(word, synset, mainSenses(word, synset.partOfSpeech))
    }),
    sibling: words.flatMap(({ word, synset }) => {
      if (!PHRASE.test(word) || !shares(word, synset)) return []
      const siblings = synset.hypernyms.flatMap((id) => hyponyms.get(id) ?? [])
      return contrast(
        word,
        synset,
        siblings.filter((other) => !other.lemmas.includes(word) && !shares(word, other)),
      )
    }),
  }
}
