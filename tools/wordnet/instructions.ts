/**
 * The instructions that are shipped: to define a word, to explain one, and to say what one means in a sentence.
 * @module
 */
import type { Split } from '../../src/data/sets/splits.ts'
import type { Synset, WordNet } from './database.ts'
import type { Entry } from './dictionary.ts'
import { sampleDictionary } from './dictionary.ts'
import { draw } from './draw.ts'

export interface Instruction {
  readonly instruction: string
  /** May be empty. */
  readonly context: string
  readonly response: string
  readonly split: Split
}

/** Words of each split; each gives three rows. */
const WANTED: Readonly<Record<Split, number>> = { train: 600, validation: 60, test: 60 }

/** What a noun or a verb is a kind of. */
const KINDS: Readonly<Record<string, (word: string) => string>> = {
  noun: (word) => `It is a kind of ${word}.`,
  verb: (word) => `It is a way to ${word}.`,
}

/** Rows for nouns and verbs of the dictionary with an example, sorted by word; words are held out as there. */
export function sampleInstructions(wordnet: WordNet): Instruction[] {
  const byId = new Map(wordnet.synsets.map((synset) => [synset.id, synset]))
  const hypernymOf = ({ word, partOfSpeech, definition }: Entry): string | undefined => {
    const senses = wordnet.senses.get(`${partOfSpeech}:${word}`) ?? []
    const own = senses.map((id) => byId.get(id)!).find((synset) => synset.definition === definition)
    return own?.hypernyms
      .map((id) => byId.get(id))
      .flatMap((synset: Synset | undefined) => synset?.lemmas ?? [])[0]
  }
  const order = new Map<Entry, number>()
  const candidates = sampleDictionary(wordnet).flatMap((entry) => {
    const hypernym = entry.example === '' ? undefined : hypernymOf(entry)
    if (hypernym === undefined || !(entry.partOfSpeech in KINDS)) return []
    order.set(entry, draw(2 ** 32, 'instructions', entry.partOfSpeech, entry.word))
    return [{ entry, hypernym }]
  })
  const left = { ...WANTED }
  return candidates
    .sort((a, b) => order.get(a.entry)! - order.get(b.entry)!)
    .filter(({ entry }) => left[entry.split]-- > 0)
    .sort((a, b) => (a.entry.word < b.entry.word ? -1 : a.entry.word > b.entry.word ? 1 : 0))
    .flatMap(({ entry, hypernym }) => rowsOf(entry, hypernym))
}

function rowsOf({ word, partOfSpeech, definition, example, split }: Entry, hypernym: string): Instruction[] {
  const kind = KINDS[partOfSpeech]!(hypernym)
  const rows = [
    { instruction: `Define the ${partOfSpeech} ${word}.`, context: '', response: definition },
    {
      instruction: `Explain the ${partOfSpeech} ${word}.`,
      context: '',
      response: `The ${partOfSpeech} ${word} means: ${definition}. ${kind} For example: ${example}.`,
    },
    {
      instruction: `What does ${word} mean here?`,
      context: example,
      response: `Here it means: ${definition}.`,
    },
  ]
  return rows.map((row) => ({ ...row, split }))
}
