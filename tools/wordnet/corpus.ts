/**
 * The pre-training corpus: one line of prose per synset and lemma, such as
 * `handy (adjective): easy to reach; "found a handy spot for the can opener"`.
 * @module
 */
import type { Split } from '../../src/data/sets/splits.ts'
import type { Synset, WordNet } from './database.ts'
import { splitWords } from './held_out.ts'
import { examplesOf, suitability } from './suitable.ts'

/** A definition is repeated for at most this many of its synset's lemmas. */
const MAX_LEMMAS = 3
const MAX_EXAMPLES = 2

/** Lower-case words and phrases; names, chemical symbols and year numbers are left out. */
const HEADWORD = /^[a-z][a-z' -]+$/

function line(synset: Synset, lemma: string): string {
  const examples = examplesOf(synset, lemma).slice(0, MAX_EXAMPLES)
  return [`${lemma} (${synset.partOfSpeech}): ${synset.definition}`, ...examples.map((e) => `"${e}"`)].join(
    '; ',
  )
}

/** The corpus's lines for one split, in the database's order. */
export function corpusLines(wordnet: WordNet, split: Split): string[] {
  const { splitOfSynset, splitOfWord } = splitWords(wordnet.synsets)
  const suitable = suitability(wordnet.synsets)
  return wordnet.synsets
    .filter((synset) => splitOfSynset(synset) === split && suitable(synset))
    .flatMap((synset) =>
      synset.lemmas
        .filter((lemma) => HEADWORD.test(lemma) && splitOfWord(lemma) === split)
        .slice(0, MAX_LEMMAS)
        .map((lemma) => line(synset, lemma)),
    )
}
