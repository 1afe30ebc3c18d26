import { expect } from 'chai'
import fc from 'fast-check'

import { UserError } from '../../src/errors.ts'
import { bootstrapInterval } from '../../src/metrics/bootstrap.ts'
import { createRandom } from '../../src/random.ts'

const repeat = (value: number, count: number) => new Array<number>(count).fill(value)

describe('bootstrap interval', () => {
  it('has the quantiles of the distribution that resampling has in theory', () => {
    // 30 ones of 100: the mean is Binomial(100, .3)/100, with quantiles .21 and .39 at 2.5 and 97.5 %, .24 and .36 at 10
    // and 90 %. The nearest step of its distribution, .0288, is 4.9 standard errors of 40,000 samples away from .025.
    const values = [...repeat(1, 30), ...repeat(0, 70)]
    const { mean, low, high } = bootstrapInterval(values, { samples: 40_000 })
    expect(mean).to.be.closeTo(0.3, 1e-12)
    expect([low, high].map((value) => Math.round(value * 100))).to.deep.equal([21, 39])
    const narrow = bootstrapInterval(values, { samples: 40_000, level: 0.8 })
    expect([narrow.low, narrow.high].map((value) => Math.round(value * 100))).to.deep.equal([24, 36])
  })

  it('covers the true mean about as often as it claims', () => {
    const random = createRandom(1, 'coverage')
    let covered = 0
    for (let trial = 0; trial < 300; trial++) {
      const values = Array.from({ length: 40 }, random.normal)
      const { low, high } = bootstrapInterval(values, { level: 0.9, samples: 400, seed: trial })
      if (low <= 0 && high >= 0) covered++
    }
    // The percentile interval is a little narrow: (n − 1)/n of the variance. 4 standard errors around .9.
    expect(covered / 300).to.be.within(0.83, 0.97)
  })

  it('is reproducible, and another seed draws anew', () => {
    const values = Array.from({ length: 30 }, createRandom(2, 'values').uniform)
    expect(bootstrapInterval(values)).to.deep.equal(bootstrapInterval(values, { seed: 0 }))
    expect(bootstrapInterval(values, { seed: 1 }).low).not.to.equal(bootstrapInterval(values).low)
  })

  it('lies within the values, wider for a higher level', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 20 }), (values) => {
        const wide = bootstrapInterval(values, { samples: 50 })
        const narrow = bootstrapInterval(values, { samples: 50, level: 0.5 })
        const order = [Math.min(...values), wide.low, narrow.low, narrow.high, wide.high, Math.max(...values)]
        expect(order).to.deep.equal(order.toSorted((a, b) => a - b))
      }),
    )
  })

  it('of one value, or of equal values, is that value', () => {
    expect(bootstrapInterval([0.5])).to.deep.equal({ mean: 0.5, low: 0.5, high: 0.5 })
    expect(bootstrapInterval([2, 2, 2])).to.deep.equal({ mean: 2, low: 2, high: 2 })
    expect(bootstrapInterval([1, 2], { samples: 1 }).low).to.be.oneOf([1, 1.5, 2])
  })

  it('says what is wrong', () => {
    expect(() => bootstrapInterval([])).to.throw(UserError, /no value/)
    for (const options of [{ level: 0 }, { level: 1 }, { level: NaN }, { samples: 0 }, { samples: 1.5 }])
      expect(() => bootstrapInterval([1], options)).to.throw(RangeError)
  })
})
