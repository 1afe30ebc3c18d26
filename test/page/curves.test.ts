import { expect } from 'chai'

import { decades, linear, steps } from '../../page/parts/curves/axis.ts'
import { nearest, smoothed, thinned } from '../../page/parts/curves/curve.ts'
import { drawn } from '../../page/parts/curves/drawn.ts'
import { count, duration, shortNumber } from '../../page/parts/numbers.ts'

const noisy = (length: number) =>
  Array.from({ length }, (_, i) => ({ x: i + 1, y: 5 / Math.sqrt(i + 1) + Math.sin(i * 12.9) / 4 }))

describe('a curve', () => {
  it('keeps the ends and the extremes of what it leaves out', () => {
    const points = noisy(50_000).map((point) => (point.x === 31_234 ? { ...point, y: 99 } : point))
    const kept = thinned(points, 300)
    expect(kept.length).to.be.within(300, 4 * 301)
    expect([kept[0], kept.at(-1)]).to.deep.equal([points[0], points.at(-1)])
    const heights = (all: typeof points) => all.map(({ y }) => y)
    expect(Math.max(...heights([...kept]))).to.equal(99)
    expect(Math.min(...heights([...kept]))).to.equal(Math.min(...heights(points)))
    expect(kept.map(({ x }) => x)).to.deep.equal([...kept.map(({ x }) => x)].sort((a, b) => a - b))
    expect(thinned(points.slice(0, 1000), 300)).to.have.length(1000)
  })

  it('is smoothed without lagging: a straight line stays one', () => {
    const line = Array.from({ length: 300 }, (_, i) => ({ x: i, y: 3 - i / 100 }))
    smoothed(line).forEach(({ y }, i) => expect(y).to.be.closeTo(line[i]!.y, 1e-9))
    const means = smoothed(noisy(300))
    const reach = 5
    expect(means[100]!.y).to.be.closeTo(
      noisy(300)
        .slice(100 - reach, 100 + reach + 1)
        .reduce((sum, { y }) => sum + y, 0) /
        (2 * reach + 1),
      1e-12,
    )
  })

  it('is read at the nearest point', () => {
    const points = [1, 2, 5, 9].map((x) => ({ x, y: x }))
    expect([-3, 1.4, 3.4, 3.6, 7.1, 50].map((x) => nearest(points, x)!.x)).to.deep.equal([1, 1, 2, 5, 9, 9])
    expect(nearest([], 1)).to.equal(undefined)
  })

  it('of 100,000 points is drawn in a few thousand characters, and fast', () => {
    const points = noisy(100_000)
    const before = performance.now()
    const picture = drawn({ curves: [{ name: 'training', points }] }, 600, 220)
    expect(performance.now() - before).to.be.lessThan(500)
    expect(picture.lines[0]!.faint!.length).to.be.lessThan(30_000)
    expect(picture.lines[0]!.line).to.match(/^M[\d.]+ [\d.]+(L[\d.]+ [\d.]+)+$/)
  })

  it('keeps its colour when others come', () => {
    const curves = ['training', 'chosen', 'validation'].map((name) => ({ name, points: noisy(3) }))
    expect(drawn({ curves }, 600, 220).lines.map(({ colour }) => colour)).to.deep.equal(['1', '3', '2'])
  })
})

describe('an axis', () => {
  it('begins and ends at round numbers that hold all', () => {
    expect(linear(2.93, 4.1).ticks).to.deep.equal([2.5, 3, 3.5, 4, 4.5])
    expect(linear(0, 0.0002).ticks).to.deep.equal([0, 0.00005, 0.0001, 0.00015, 0.0002])
    for (const [least, most] of [
      [3, 3],
      [0, 0],
      [-1e-9, 1e-9],
      [-5, 1e6],
    ] as const) {
      const axis = linear(least, most)
      expect(axis.ticks.length).to.be.within(3, 8)
      expect(axis.place(least)).to.be.within(0, 1)
      expect(axis.place(most)).to.be.within(0, 1)
    }
  })

  it('of steps has whole ones, and ends at the last', () => {
    expect(steps(0, 3).ticks).to.deep.equal([0, 1, 2, 3])
    expect(steps(0, 338).ticks).to.deep.equal([0, 100, 200, 300])
    expect(steps(0, 338).place(338)).to.equal(1)
    expect(steps(0, 0).ticks).to.deep.equal([0, 1])
  })

  it('of decades tells small numbers from large ones, and 0 from both', () => {
    const { ticks, place } = decades(42)
    expect(ticks).to.deep.equal([0, 0.001, 0.01, 0.1, 1, 10, 100])
    expect(place(0)).to.equal(0)
    expect(place(1) - place(0.1)).to.be.within(0.15, 0.25)
  })
})

describe('a number', () => {
  it('is short', () => {
    expect([3.14159, 0.000123456, 0, -0.5, 12345.6, 5e9, NaN, -Infinity].map(shortNumber)).to.deep.equal([
      ...['3.142', '1.23e-4', '0', '−0.5', '12,346', '5e+9', '–', '−∞'],
    ])
    expect(count(1234567)).to.equal('1,234,567')
    expect([48, 200, 7500, Infinity].map(duration)).to.deep.equal(['48 s', '3 min 20 s', '2 h 5 min', '–'])
  })
})
