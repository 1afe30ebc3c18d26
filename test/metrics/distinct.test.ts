import { expect } from 'chai'
import fc from 'fast-check'

import { distinctN } from '../../src/metrics/distinct.ts'
import { anyText } from './helpers.ts'

describe('distinct-n', () => {
  it('divides the different n-grams by the words', () => {
    // a b, b a and b c in six words; pairs do not cross from one text to the next.
    const texts = ['a b a b', 'B C']
    expect(distinctN(texts, 1)).to.equal(3 / 6)
    expect(distinctN(texts, 2)).to.equal(3 / 6)
    expect(distinctN(texts, 3)).to.equal(2 / 6)
    expect(distinctN(['no no no no'], 1)).to.equal(1 / 4)
    expect(distinctN(['é', 'e\u0301', '東京', '😀😀'], 1)).to.equal(4 / 6)
    expect(distinctN(['one'], 2)).to.equal(0)
  })

  it('is 0 without any word', () => {
    for (const texts of [[], [''], ['', ' \n']]) expect(distinctN(texts, 1)).to.equal(0)
  })

  it('stays in range, ignores the order of the texts, and halves when they come twice', () => {
    fc.assert(
      fc.property(fc.array(anyText, { maxLength: 6 }), fc.integer({ min: 1, max: 3 }), (texts, n) => {
        const value = distinctN(texts, n)
        expect(value).to.be.within(0, 1)
        expect(distinctN(texts.toReversed(), n)).to.equal(value)
        expect(distinctN([...texts, ...texts], n)).to.equal(value / 2)
      }),
    )
  })
})
