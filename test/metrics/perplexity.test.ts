import { expect } from 'chai'
import fc from 'fast-check'

import { UserError } from '../../src/errors.ts'
import { countWords, perplexity, perplexityPerWord } from '../../src/metrics/perplexity.ts'

describe('perplexity', () => {
  it('of a uniform choice is the number of choices', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60_000 }),
        fc.integer({ min: 1, max: 1000 }),
        (choices, tokens) => {
          expect(perplexity(tokens * Math.log(choices), tokens)).to.be.closeTo(choices, 1e-9 * choices)
        },
      ),
    )
    expect(perplexity(0, 7)).to.equal(1)
  })

  it('per word shares the same surprise among the words', () => {
    // Six tokens, each one of ten, that make two and one words: 10^(6/3).
    expect(perplexityPerWord(6 * Math.log(10), ['two words', 'one'])).to.be.closeTo(100, 1e-9)
    expect(perplexityPerWord(6 * Math.log(10), ['two words', '', 'one'])).to.be.closeTo(100, 1e-9)
  })

  it('counts what white space separates', () => {
    const cases: [string, number][] = [
      ['', 0],
      [' \n\t\u00a0\u3000', 0],
      ['one', 1],
      ['  two\n\nwords ', 2],
      ["don't stop, naïve 😀", 4],
      ['我喜欢苹果', 1],
    ]
    for (const [text, count] of cases) expect(countWords(text), text).to.equal(count)
  })

  it('wants something to predict', () => {
    for (const count of [0, -1, NaN])
      expect(() => perplexity(0, count)).to.throw(UserError, /nothing to predict/)
    expect(() => perplexityPerWord(1, [])).to.throw(UserError)
    expect(() => perplexityPerWord(1, ['', ' '])).to.throw(UserError)
  })
})
