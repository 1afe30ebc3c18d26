import { join } from 'node:path'

import { expect } from 'chai'

import { wordNetFolder } from '../../src/formats/wordnet.ts'
import { readRows } from '../../src/data/sources/read_rows.ts'
import type { Row } from '../../src/data/row.ts'
import { corpusLines } from '../../tools/wordnet/corpus.ts'
import { readWordNet } from '../../tools/wordnet/database.ts'
import type { WordNet } from '../../tools/wordnet/database.ts'
import { splitGloss } from '../../tools/wordnet/gloss.ts'
import { collect } from './helpers.ts'

const dictionaryPath = join(import.meta.dirname, '../../data/dictionary.csv')

describe('data from WordNet', () => {
  let wordnet: WordNet
  let rows: Row[]
  before(async () => {
    wordnet = await readWordNet(wordNetFolder())
    rows = await collect(readRows(dictionaryPath))
  })

  it('reads all synsets, their senses in order, and the licence', () => {
    expect(wordnet.synsets).to.have.length(117_791)
    const dog = wordnet.senses.get('noun:dog')!
    expect(dog).to.have.length(7)
    expect(wordnet.synsets.find(({ id }) => id === dog[0])!.definition).to.match(
      /^a member of the genus Canis/,
    )
    expect(wordnet.licence).to.match(/WordNet 3\.1 Copyright 2011 by Princeton University/)
  })

  it('ships a dictionary of the size and shape that its page says', () => {
    const counts = ['train', 'validation', 'test'].map(
      (name) => rows.filter(({ split }) => split === name).length,
    )
    expect(counts).to.deep.equal([10_800, 495, 497])
    for (const row of rows) {
      expect(Object.keys(row)).to.deep.equal(['word', 'part_of_speech', 'definition', 'example', 'split'])
      expect(row.word).to.match(/^[a-z]{3,16}$/)
      expect((row.definition as string).length).to.be.within(10, 120)
    }
  })

  it('trains on no word and no definition that validation or test hold', () => {
    const part = (column: 'word' | 'definition', wanted: (split: unknown) => boolean) =>
      new Set(rows.filter(({ split }) => wanted(split)).map((row) => row[column] as string))
    const heldOut = (split: unknown): boolean => split !== 'train'
    const training = corpusLines(wordnet, 'train').map((line) => /^(.+?) \(\w+\): (.*)$/.exec(line)!.slice(1))
    expect(training.length).to.be.greaterThan(100_000)
    for (const column of ['word', 'definition'] as const) {
      const held = part(column, heldOut)
      expect(held.size).to.be.greaterThan(950)
      const train = part(column, (split) => split === 'train')
      expect([...held].filter((text) => train.has(text))).to.deep.equal([])
      const seen = training.map(([word, text]) => (column === 'word' ? word! : text!.split('; "')[0]!))
      expect(seen.filter((text) => held.has(text))).to.deep.equal([])
    }
    const [validation, test] = ['validation', 'test'].map((name) => part('word', (split) => split === name))
    expect([...validation!].filter((word) => test!.has(word))).to.deep.equal([])
  })

  it('splits a gloss into definition and examples', () => {
    expect(splitGloss('easy to reach; "found a handy spot"; "so it is" - A. Author')).to.deep.equal({
      definition: 'easy to reach',
      examples: ['found a handy spot', 'so it is'],
    })
    expect(splitGloss("terms like `nitwit' --and so on; or more")).to.deep.equal({
      definition: "terms like 'nitwit' - and so on; or more",
      examples: [],
    })
    expect(splitGloss('an extent: "a range of feelings"').definition).to.equal('an extent')
  })
})
