import { expect } from 'chai'
import fc from 'fast-check'

import { createRandom, deriveSeed, xoshiro128 } from '../src/random.ts'

const draw = <T>(count: number, next: () => T): T[] => Array.from({ length: count }, next)
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

describe('random numbers', () => {
  it('are those of xoshiro128** 1.1', () => {
    // The first outputs from state 1, 2, 3, 4, as the Rust crate rand_xoshiro tests them against the authors' C code.
    expect(draw(10, xoshiro128([1, 2, 3, 4]))).to.deep.equal([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ])
  })

  it('repeat under the same name and differ under another', () => {
    const start = (...name: (number | string)[]) => draw(4, createRandom(...name).uniform)
    const names = [[1], ['1'], [2], [1, 'a'], [1, 'a', 0], [1, 'a', 1], [1, 'a0'], ['1a'], [-1], [0.5]]
    expect(start(1, 'a', 7)).to.deep.equal(start(1, 'a', 7))
    expect(new Set(names.flatMap((name) => start(...name))).size).to.equal(4 * names.length)
  })

  it('are the same on every machine and in every version', () => {
    const random = createRandom(42, 'x')
    expect([random.uniform(), random.normal(), random.integer(1000)]).to.deep.equal([
      0.5902254059444629, 0.5446729667385773, 853,
    ])
    expect(deriveSeed(42, 'x')).to.equal(3288317779)
  })

  it('have the moments of their distributions', () => {
    const random = createRandom(3, 'moments')
    const count = 200_000
    const within = (value: number, expected: number, deviation: number) =>
      expect(Math.abs(value - expected)).to.be.below((5 * deviation) / Math.sqrt(count))
    const uniform = draw(count, random.uniform)
    within(mean(uniform), 1 / 2, Math.sqrt(1 / 12))
    within(mean(uniform.map((u) => u * u)), 1 / 3, Math.sqrt(1 / 5 - 1 / 9))
    const normal = draw(count, random.normal)
    within(mean(normal), 0, 1)
    within(mean(normal.map((z) => z ** 2)), 1, Math.sqrt(2))
    within(mean(normal.map((z) => z ** 4)), 3, Math.sqrt(96))
    within(mean(normal.slice(1).map((z, i) => z * normal[i]!)), 0, 1)
  })

  it('make every whole number equally likely', () => {
    const random = createRandom(4, 'integers')
    const counts = new Array<number>(7).fill(0)
    for (let i = 0; i < 70_000; i++) counts[random.integer(7)]!++
    // χ² with 6 degrees of freedom exceeds 22.5 with probability .001.
    expect(counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0)).to.be.below(22.5)
    // Without rejection, numbers below 2^30 would come up in half of the draws and not in a third.
    const low = draw(9000, () => random.integer(3 * 2 ** 30)).filter((n) => n < 2 ** 30).length
    expect(low).to.be.within(2800, 3200)
    for (const n of [0, -1, 1.5, 2 ** 32 + 1, NaN]) expect(() => random.integer(n)).to.throw(RangeError)
    expect(random.integer(1)).to.equal(0)
    expect(() => createRandom(NaN)).to.throw(RangeError)
  })

  it('shuffle keeps every element, and makes every order equally likely', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.integer(), (array, seed) => {
        const shuffled = [...array]
        createRandom(seed).shuffle(shuffled)
        expect(shuffled.sort((a, b) => a - b)).to.deep.equal([...array].sort((a, b) => a - b))
      }),
    )
    const random = createRandom(5, 'orders')
    const counts = new Map<string, number>()
    for (let i = 0; i < 12_000; i++) {
      const order = Int32Array.of(0, 1, 2, 3)
      random.shuffle(order)
      counts.set(order.join(), (counts.get(order.join()) ?? 0) + 1)
    }
    expect(counts.size).to.equal(24)
    // χ² with 23 degrees of freedom exceeds 49.7 with probability .001.
    expect([...counts.values()].reduce((sum, count) => sum + (count - 500) ** 2 / 500, 0)).to.be.below(49.7)
  })
})
