import { expect } from 'chai'

import { porterStem } from '../../src/metrics/porter_stemmer.ts'
import { readFixture } from './helpers.ts'

describe('Porter stemmer', () => {
  it('gives the stems of NLTK, for 3000 words and all odd cases', () => {
    const lines = readFixture('porter_stems.tsv').split('\n').slice(0, -1)
    expect(lines).to.have.length.above(3000)
    const wrong = lines
      .map((line) => line.split('\t') as [string, string])
      .filter(([word, stem]) => porterStem(word) !== stem)
      .map(([word, stem]) => `${word}: ${stem}, not ${porterStem(word)}`)
    expect(wrong).to.deep.equal([])
  })
})
