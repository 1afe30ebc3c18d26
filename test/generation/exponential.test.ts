import { expect } from 'chai'
import fc from 'fast-check'

import { exponential } from '../../src/generation/exponential.ts'

describe('exponential', () => {
  it("is JavaScript's but for the last bits of a double, down to the smallest float32", () => {
    fc.assert(
      fc.property(fc.double({ min: -104, minExcluded: true, max: 0, noNaN: true }), (x) => {
        expect(exponential(x)).closeTo(Math.exp(x), 2e-14 * Math.exp(x))
      }),
    )
  })

  it('is the same float32, for a vocabulary of scaled logits', () => {
    const logits = Float64Array.from({ length: 50_000 }, (_, i) => -i / 1234.5)
    expect(Float32Array.from(logits, exponential)).eql(Float32Array.from(logits, (x) => Math.exp(x)))
  })

  it('is 1 at 0, 0 where a float32 is, and no number of none', () => {
    expect([0, -105, -1000, -Infinity, NaN].map(exponential)).eql([1, 0, 0, 0, NaN])
  })
})
