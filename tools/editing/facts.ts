/**
 * Facts to teach: WordNet's held-out synsets, of which neither the pocket model nor plastic blocks have seen anything.
 * @module
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { parse } from 'csv-parse/sync'

import { wordNetFolder } from '../../src/formats/wordnet.ts'
import { createRandom } from '../../src/random.ts'
import { readWordNet } from '../wordnet/database.ts'
import { splitWords } from '../wordnet/held_out.ts'
import { suitability } from '../wordnet/suitable.ts'

export interface Fact {
  readonly word: string
  readonly partOfSpeech: string
  readonly definition: string
}

/** What editing is measured on. */
export interface Facts {
  /** Strengths are chosen on these. */
  readonly validation: readonly Fact[]
  /** What is reported is of these. */
  readonly test: readonly Fact[]
  /** Never taught: their perplexity is watched. */
  readonly heldOut: readonly Fact[]
  /** Never taught, and known to the model: neighbours are drawn from these. */
  readonly known: readonly Fact[]
}

const HELD_OUT = 64

/** Lower-case words and phrases. */
const WORD = /^[a-z][a-z' -]+$/

/** Facts in an order that is drawn once and for all. */
export async function readFacts(): Promise<Facts> {
  const { synsets } = await readWordNet(wordNetFolder())
  const { splitOfSynset, splitOfWord } = splitWords(synsets)
  const suitable = suitability(synsets)
  const seen = new Set(
    synsets.filter((synset) => splitOfSynset(synset) === 'train').map(({ definition }) => definition),
  )
  const of = (split: 'validation' | 'test'): Fact[] => {
    const facts = synsets
      .filter((synset) => splitOfSynset(synset) === split && suitable(synset))
      .filter(
        ({ definition: { length }, definition }) => length >= 10 && length <= 120 && !seen.has(definition),
      )
      .flatMap(({ lemmas, partOfSpeech, definition }) => {
        const word = lemmas.find((lemma) => WORD.test(lemma) && splitOfWord(lemma) === split)
        return word === undefined ? [] : [{ word, partOfSpeech, definition }]
      })
    return oncePerPrompt(shuffled(facts, 0))
  }
  const validation = of('validation')
  return {
    validation: validation.slice(HELD_OUT),
    test: of('test'),
    heldOut: validation.slice(0, HELD_OUT),
    known: await trainingRows(),
  }
}

/** Facts in the order of a seed. */
export function shuffled(facts: readonly Fact[], seed: number): Fact[] {
  const order = [...facts]
  createRandom(seed, 'order of facts').shuffle(order)
  return order
}

/** Of two senses of a word, the first: a prompt has one answer. */
const oncePerPrompt = (facts: readonly Fact[]): Fact[] => [
  ...new Map(facts.map((fact) => [`${fact.word} ${fact.partOfSpeech}`, fact] as const).reverse()).values(),
]

/** The dictionary's rows that the pocket model was trained on. */
async function trainingRows(): Promise<Fact[]> {
  const path = join(import.meta.dirname, '../../data/dictionary.csv')
  const rows = parse<Record<string, string>>(await readFile(path), { columns: true })
  return rows
    .filter(({ split }) => split === 'train')
    .map((row) => ({
      word: row['word']!,
      partOfSpeech: row['part_of_speech']!,
      definition: row['definition']!,
    }))
}
