import { expect } from 'chai'
import fc from 'fast-check'

import { UserError } from '../../src/errors.ts'
import { bootstrapInterval } from '../../src/metrics/bootstrap.ts'
import { winRate } from '../../src/metrics/win_rate.ts'

/** Scores of both, often equal. */
const scores = fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 })), {
  minLength: 1,
  maxLength: 30,
})
const sides = (pairs: readonly (readonly [number, number])[]) => [
  pairs.map(([first]) => first),
  pairs.map(([, second]) => second),
]

describe('win rate', () => {
  it('counts by hand', () => {
    const { wins, ties, losses, rate, low, high } = winRate([3, 0.5, -1, 2, 9], [1, 0.5, 0, 1.5, 9])
    expect({ wins, ties, losses, rate }).to.deep.equal({ wins: 2, ties: 2, losses: 1, rate: 0.6 })
    const interval = bootstrapInterval([1, 0.5, 0, 1, 0.5])
    expect([low, high]).to.deep.equal([interval.low, interval.high])
  })

  it('has the interval of a binomial share', () => {
    // 70 wins of 100: Binomial(100, .7) has its 2.5 and 97.5 % quantiles at 61 and 79.
    const first = Array.from({ length: 100 }, (_, i) => (i < 70 ? 1 : -1))
    const { rate, low, high } = winRate(first, new Array<number>(100).fill(0))
    expect(rate).to.equal(0.7)
    expect(low).to.be.within(0.6, 0.62)
    expect(high).to.be.within(0.78, 0.8)
  })

  it('is the other way round for the other', () => {
    fc.assert(
      fc.property(scores, fc.nat(9), (pairs, seed) => {
        const [a, b] = sides(pairs) as [number[], number[]]
        const [one, other] = [winRate(a, b, { seed }), winRate(b, a, { seed })]
        expect([other.wins, other.ties, other.losses]).to.deep.equal([one.losses, one.ties, one.wins])
        expect(other.rate).to.be.closeTo(1 - one.rate, 1e-12)
        expect(other.low).to.be.closeTo(1 - one.high, 1e-12)
        expect(other.high).to.be.closeTo(1 - one.low, 1e-12)
      }),
      { numRuns: 30 },
    )
  })

  it('lies within its interval and looks at the order of scores alone', () => {
    fc.assert(
      fc.property(scores, (pairs) => {
        const [a, b] = sides(pairs) as [number[], number[]]
        const result = winRate(a, b)
        expect(result.wins + result.ties + result.losses).to.equal(pairs.length)
        expect(result.rate).to.be.within(result.low, result.high)
        expect(result.low).to.be.at.least(0)
        expect(result.high).to.be.at.most(1)
        expect(winRate(a.map(Math.exp), b.map(Math.exp))).to.deep.equal(result)
      }),
      { numRuns: 30 },
    )
  })

  it('of the same scores is a half, for sure', () => {
    expect(winRate([1, 2, 3], [1, 2, 3])).to.deep.equal({
      wins: 0,
      ties: 3,
      losses: 0,
      rate: 0.5,
      low: 0.5,
      high: 0.5,
    })
  })

  it('draws by its seed', () => {
    const first = Array.from({ length: 40 }, (_, i) => Math.sin(i))
    const zero = first.map(() => 0)
    expect(winRate(first, zero, { seed: 1 })).to.deep.equal(winRate(first, zero, { seed: 1 }))
    const lows = [1, 2, 3, 4].map((seed) => winRate(first, zero, { seed }).low)
    expect(new Set(lows).size).to.be.greaterThan(1)
  })

  it('says what is wrong', () => {
    expect(() => winRate([], [])).to.throw(UserError, /no value/)
    expect(() => winRate([1], [1, 2])).to.throw(RangeError, /1 scores against 2/)
  })
})
