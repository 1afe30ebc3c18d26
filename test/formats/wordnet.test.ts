import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect } from 'chai'

import { lemmasOf, openWordNet, wordNetFolder } from '../../src/formats/wordnet.ts'
import type { Synonyms } from '../../src/metrics/synonyms.ts'
import { parseFixture } from '../metrics/helpers.ts'

describe('WordNet synonyms', () => {
  let wordnet: Synonyms
  before(async () => {
    wordnet = await openWordNet()
  })

  it('are those of NLTK on the same files', () => {
    const expected = Object.entries(parseFixture<Record<string, string[]>>('synonyms.json'))
    expect(expected.filter(([, synonyms]) => synonyms.length > 1)).to.have.length.above(100)
    for (const [word, synonyms] of expected)
      expect([...wordnet.of(word)].sort(), word).to.deep.equal(synonyms.sort())
  })

  it('are found for every lemma of every part of speech, by bisection', () => {
    for (const part of ['noun', 'verb', 'adj', 'adv']) {
      const lines = readFileSync(join(wordNetFolder(), `index.${part}`), 'utf8').split('\n')
      const lemmas = lines.filter((line) => /^[^ ]/.test(line)).map((line) => line.split(' ', 1)[0]!)
      const single = lemmas.filter((lemma) => !lemma.includes('_'))
      const sample = [...lemmas.slice(0, 3), ...single.filter((_, i) => i % 50 === 0), ...lemmas.slice(-3)]
      for (const lemma of sample.filter((lemma) => !lemma.includes('_'))) {
        const synonyms = [...wordnet.of(lemma)].map((synonym) => synonym.toLowerCase())
        expect(synonyms, `${part} ${lemma}`).to.include(lemma)
      }
    }
  })

  it('come without syntactic markers', () => {
    const fields = '00014490 00 s 03 abundant(p) 0 galore(ip) 1 big_deal(a) 0 000'.split(' ')
    expect(lemmasOf(fields)).to.deep.equal(['abundant', 'galore', 'big_deal'])
    expect([...wordnet.of('galore')].some((word) => word.includes('('))).to.equal(false)
  })
})
