import { expect } from 'chai'
import fc from 'fast-check'

import { notFinite } from '../../src/formats/finite.ts'

describe('numbers that are not finite', () => {
  it('are found wherever they stand', () => {
    const finite = fc.float32Array({ noNaN: true, noDefaultInfinity: true })
    fc.assert(fc.property(finite, (data) => notFinite(data) === undefined))
    fc.assert(
      fc.property(finite, finite, fc.constantFrom(NaN, Infinity, -Infinity), (before, after, unsound) => {
        expect(notFinite(Float32Array.of(...before, unsound, ...after))).to.deep.equal(unsound)
      }),
    )
  })
})
