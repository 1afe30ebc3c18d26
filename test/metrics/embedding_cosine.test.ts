import { expect } from 'chai'
import fc from 'fast-check'

import { derangement, embeddingCosine } from '../../src/metrics/embedding_cosine.ts'
import { createRandom } from '../../src/random.ts'

/** Unit vectors along the axes. */
const axes = (n: number) =>
  Array.from({ length: n }, (_, i) => Float32Array.from({ length: n }, (_, j) => +(i === j)))

describe('metrics/embedding_cosine', () => {
  it('is 1, 0 and 1 where each text is its reference and unlike all others', () => {
    expect(embeddingCosine(axes(5), axes(5))).to.deep.equal({
      generated: 1,
      shuffled: 0,
      difference: { mean: 1, low: 1, high: 1 },
    })
  })

  it('sees no difference in a text that is as near to every reference', () => {
    const same = axes(4).map(() => Float32Array.of(1, 1, 1, 1))
    const { generated, shuffled, difference } = embeddingCosine(same, axes(4))
    expect(generated).to.be.closeTo(0.5, 1e-12)
    expect(shuffled).to.be.closeTo(0.5, 1e-12)
    expect(difference).to.deep.equal({ mean: 0, low: 0, high: 0 })
  })

  it('counts each text against its own reference, and the interval holds the mean of the differences', () => {
    const random = createRandom('embedding cosine')
    const vectors = (count: number) =>
      Array.from({ length: count }, () => Float32Array.from({ length: 8 }, () => random.normal()))
    const references = vectors(60)
    const near = references.map((vector) => vector.map((value) => value + random.normal()))
    const own = embeddingCosine(near, references)
    expect(own.difference.mean).to.be.closeTo(own.generated - own.shuffled, 1e-12)
    expect(own.difference.low).to.be.greaterThan(0.3)
    expect(own.difference.low).to.be.lessThan(own.difference.mean)
    expect(own.difference.high).to.be.greaterThan(own.difference.mean)
    const unrelated = embeddingCosine(vectors(60), references).difference
    expect(unrelated.low).to.be.lessThan(0)
    expect(unrelated.high).to.be.greaterThan(0)
  })

  it('depends on the seed alone', () => {
    const angles = Array.from({ length: 9 }, (_, i) => Float32Array.of(Math.cos(i), Math.sin(i)))
    const turned = angles.map(([x, y]) => Float32Array.of(y! ** 2, x!))
    expect(embeddingCosine(angles, turned, 3)).to.deep.equal(embeddingCosine(angles, turned, 3))
    expect(embeddingCosine(angles, turned, 3)).to.not.deep.equal(embeddingCosine(angles, turned, 4))
  })

  it('refuses what has no pairs', () => {
    expect(() => embeddingCosine(axes(1), axes(1))).to.throw(RangeError, 'needs two texts or more')
    expect(() => embeddingCosine(axes(3), axes(2))).to.throw(RangeError, 'got 3 and 2')
  })
})

describe('derangement', () => {
  it('is an order in which nothing keeps its place', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 50 }), fc.nat(), (n, seed) => {
        const order = derangement(n, seed)
        expect([...order].sort((a, b) => a - b)).to.deep.equal(Array.from({ length: n }, (_, i) => i))
        order.forEach((other, i) => expect(other).to.not.equal(i))
      }),
    )
  })
})
