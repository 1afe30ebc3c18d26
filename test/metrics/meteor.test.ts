import { expect } from 'chai'
import fc from 'fast-check'

import { UserError } from '../../src/errors.ts'
import { meteor, meteorOfWords } from '../../src/metrics/meteor.ts'
import type { MeteorOptions } from '../../src/metrics/meteor.ts'
import { openWordNet } from '../../src/formats/wordnet.ts'
import type { Synonyms } from '../../src/metrics/synonyms.ts'
import { splitWords } from '../../src/metrics/words.ts'
import { anyText, pair, parseFixture } from './helpers.ts'

interface Case extends MeteorOptions {
  readonly hypothesis: string[]
  readonly references: string[][]
  readonly score: number
}

describe('METEOR', () => {
  const cases = parseFixture<Case[]>('meteor.json')
  let synonyms: Synonyms
  before(async () => {
    synonyms = await openWordNet()
  })

  it('is that of NLTK on the same tokens', () => {
    expect(cases).to.have.length.above(200)
    expect(cases.filter(({ alpha }) => alpha !== undefined)).to.have.length.above(40)
    for (const { hypothesis, references, score, ...options } of cases)
      expect(
        meteorOfWords(hypothesis, references, { ...options, synonyms }),
        `${hypothesis.join(' ')} | ${references.map((words) => words.join(' ')).join(' | ')}`,
      ).to.be.closeTo(score, 1e-12)
  })

  it('has cases in which synonyms count, and leaves them out when there are none', () => {
    const raised = cases.filter(({ hypothesis, references, score, ...options }) => {
      const without = meteorOfWords(hypothesis, references, options)
      return score > without + 1e-3
    })
    expect(raised).to.have.length.above(30)
    expect(meteor('a dog', ['one hound'])).to.equal(0)
    expect(meteor('a dog', ['one hound'], { synonyms })).to.be.above(0)
  })

  it('of texts is that of their words', () => {
    fc.assert(
      fc.property(pair, ([hypothesis, references]) => {
        const ofWords = meteorOfWords(splitWords(hypothesis), references.map(splitWords), { synonyms })
        expect(meteor(hypothesis, references, { synonyms })).to.equal(ofWords)
      }),
    )
    // Punctuation that sticks to a word or not, case, and how an accent is encoded make no difference.
    const score = meteor('Cafe\u0301, open!', ['café , OPEN !'])
    expect(score)
      .to.equal(meteor('a b c d', ['a b c d']))
      .and.to.be.above(0.99)
  })

  it('stays in range and takes the best reference', () => {
    fc.assert(
      fc.property(pair, ([hypothesis, references]) => {
        const scores = references.map((reference) => meteor(hypothesis, [reference], { synonyms }))
        for (const score of scores) expect(score).to.be.within(0, 1)
        expect(meteor(hypothesis, references, { synonyms })).to.equal(Math.max(...scores))
      }),
    )
  })

  it('gives identical texts of n words 1 − ½·n⁻³, and an empty one 0', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const n = splitWords(text).length
        // A word takes its last free partner, so in identical texts each takes itself: one chunk.
        expect(meteor(text, [text])).to.be.closeTo(n === 0 ? 0 : 1 - 0.5 / n ** 3, 1e-12)
        expect(meteor(text, [''])).to.equal(0)
        expect(meteor('', [text])).to.equal(0)
      }),
    )
  })

  it('wants a reference', () => {
    expect(() => meteor('a', [])).to.throw(UserError, /no reference/)
  })
})
