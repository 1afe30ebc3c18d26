import { join } from 'node:path'

import { expect } from 'chai'

import { readRows } from '../../src/data/sources/read_rows.ts'
import { wordNetFolder } from '../../src/formats/wordnet.ts'
import { corpusLines } from '../../tools/wordnet/corpus.ts'
import { readWordNet } from '../../tools/wordnet/database.ts'
import type { Synset } from '../../tools/wordnet/database.ts'
import { repeat, truncate } from '../../tools/wordnet/garbled.ts'
import { sharesStem } from '../../tools/wordnet/other_definitions.ts'
import { KINDS, samplePreferences } from '../../tools/wordnet/preferences.ts'
import type { Kind } from '../../tools/wordnet/preferences.ts'
import { collect } from './helpers.ts'

const data = join(import.meta.dirname, '../../data')

interface Pair {
  readonly word: string
  readonly part_of_speech: string
  readonly chosen: string
  readonly rejected: string
  readonly kind: Kind
  readonly split: string
}

describe('preferences from WordNet', () => {
  let pairs: Pair[]
  let senses: Map<string, Synset[]>
  let training: string[]
  let again: Pair[]
  before(async () => {
    pairs = (await collect(readRows(join(data, 'preferences.csv')))) as unknown as Pair[]
    const wordnet = await readWordNet(wordNetFolder())
    senses = new Map()
    for (const synset of wordnet.synsets)
      for (const lemma of synset.lemmas.map((name) => name.toLowerCase()))
        senses.set(lemma, [...(senses.get(lemma) ?? []), synset])
    training = corpusLines(wordnet, 'train')
    again = samplePreferences(wordnet).map(({ word, partOfSpeech, chosen, rejected, kind, split }) => {
      return { word, part_of_speech: partOfSpeech, chosen, rejected, kind, split }
    })
  })

  const ofKind = (kind: Kind): Pair[] => pairs.filter((pair) => pair.kind === kind)
  const synsetsOf = ({ word }: Pair, definition: string): Synset[] =>
    (senses.get(word) ?? []).filter((synset) => synset.definition === definition)

  it('are what the tool makes', () => {
    expect(pairs).to.deep.equal(again)
  })

  it('have the size and mixture that their page says', () => {
    for (const [split, counts] of [
      ['train', [2640, 2640, 1760, 960]],
      ['validation', [165, 165, 110, 60]],
      ['test', [165, 165, 110, 60]],
    ] as const) {
      const found = KINDS.map((kind) => ofKind(kind).filter((pair) => pair.split === split).length)
      expect(found, split).to.deep.equal(counts)
    }
  })

  it("prefer the word's own definition, of the part of speech that is named", () => {
    for (const pair of pairs) {
      const own = synsetsOf(pair, pair.chosen)
      expect(own, pair.word).to.not.have.length(0)
      if (pair.part_of_speech !== '')
        expect(own.map(({ partOfSpeech }) => partOfSpeech)).to.include(pair.part_of_speech)
      expect(pair.part_of_speech !== '', pair.word).to.equal(pair.kind === 'sense')
      expect(pair.rejected).to.not.equal(pair.chosen).and.to.not.equal('')
    }
  })

  it('reject what its kind says', () => {
    for (const { chosen, rejected } of ofKind('truncated')) {
      expect(chosen.startsWith(`${rejected} `)).to.equal(true)
      expect(rejected).to.match(
        / (an?|the|of|in|on|at|by|for|from|with(out)?|to|into|and|or|that|which|who|whose|is|are|as|than|usually)$/,
      )
    }
    for (const { rejected } of ofKind('repetitive')) {
      expect(rejected).to.match(/(?:^| )(\S+(?: \S+){0,3})(?: \1){2,}$/)
    }
    for (const pair of ofKind('sense')) {
      const other = synsetsOf(pair, pair.rejected)
      expect(
        other.some(({ partOfSpeech }) => partOfSpeech !== pair.part_of_speech),
        pair.word,
      ).to.equal(true)
    }
    for (const pair of ofKind('sibling')) {
      expect(synsetsOf(pair, pair.rejected), pair.word).to.have.length(0)
      expect([pair.chosen, pair.rejected].map((text) => sharesStem(pair.word, text))).to.deep.equal([
        true,
        false,
      ])
    }
  })

  it('are of words and definitions in one split only, and those held out are not in the corpus', () => {
    const splits = ['train', 'validation', 'test']
    for (const column of ['word', 'chosen'] as const) {
      const parts = splits.map(
        (split) => new Set(pairs.filter((pair) => pair.split === split).map((pair) => pair[column])),
      )
      expect(parts.reduce((sum, { size }) => sum + size, 0)).to.equal(
        new Set(pairs.map((pair) => pair[column])).size,
      )
    }
    const held = (column: 'word' | 'chosen') =>
      new Set(pairs.filter(({ split }) => split !== 'train').map((pair) => pair[column]))
    const [words, definitions] = [held('word'), held('chosen')]
    const seen = training.map((line) => /^(.+?) \(\w+\): (.*)$/.exec(line)!.slice(1) as [string, string])
    const known = seen.filter(([word, text]) => words.has(word) || definitions.has(text.split('; "')[0]!))
    expect(known).to.deep.equal([])
    const learned = pairs.filter(({ split }) => split === 'train').map(({ rejected }) => rejected)
    expect(learned.filter((rejected) => definitions.has(rejected))).to.deep.equal([])
  })

  it('breaks definitions off and repeats them, where they are long enough', () => {
    expect(truncate('a small dog')).to.equal(undefined)
    expect(truncate('the bark of dogs')).to.equal('the bark of')
    expect(repeat('a small dog')).to.equal(undefined)
    expect(repeat('the bark of dogs')).to.match(/^the /)
    expect(sharesStem('orator', 'delivers an oration')).to.equal(true)
    expect(sharesStem('ox', 'oxen')).to.equal(false)
  })
})
