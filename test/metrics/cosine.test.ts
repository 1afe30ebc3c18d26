import { expect } from 'chai'
import fc from 'fast-check'

import { cosine } from '../../src/metrics/cosine.ts'
import { normalFloat } from '../normal_float.ts'

const vector = (length: number) =>
  fc.array(normalFloat({ min: -1000, max: 1000 }), { minLength: length, maxLength: length })
const vectors = fc.integer({ min: 1, max: 8 }).chain((length) => fc.tuple(vector(length), vector(length)))
const f32 = (values: readonly number[]) => Float32Array.from(values)

describe('cosine similarity', () => {
  it('is the cosine of the angle', () => {
    expect(cosine(f32([1, 0]), f32([0, 5]))).to.equal(0)
    expect(cosine(f32([3, 4]), f32([4, 3]))).to.be.closeTo(24 / 25, 1e-15)
    expect(cosine(f32([1, 2, 3]), f32([-2, -4, -6]))).to.be.closeTo(-1, 1e-15)
    expect(cosine(f32([1, 1]), f32([1, 0]))).to.be.closeTo(Math.SQRT1_2, 1e-15)
  })

  it('stays in range, is symmetric and does not see lengths', () => {
    fc.assert(
      fc.property(vectors, ([a, b]) => {
        const value = cosine(f32(a), f32(b))
        expect(value).to.be.within(-1, 1)
        expect(cosine(f32(b), f32(a))).to.equal(value)
        // Powers of two: exact in float32 unless a component is tiny.
        const scaled = f32(a.map((component) => component * 4))
        expect(cosine(scaled, f32(b))).to.be.closeTo(value, 1e-12)
      }),
    )
  })

  it('of a vector with itself is 1, of a zero vector 0', () => {
    fc.assert(
      fc.property(vectors, ([a]) => {
        const norm = Math.hypot(...f32(a))
        if (norm > 1e-30) expect(cosine(f32(a), f32(a))).to.be.closeTo(1, 1e-12)
        expect(cosine(f32(a), new Float32Array(a.length))).to.equal(0)
      }),
    )
    expect(cosine(f32([]), f32([]))).to.equal(0)
  })

  it('wants vectors of one length', () => {
    expect(() => cosine(f32([1]), f32([1, 2]))).to.throw(RangeError, /got 1 and 2/)
  })
})
