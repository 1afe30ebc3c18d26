import { expect } from 'chai'

import { decades, linear, steps } from '../../page/parts/curves/axis.ts'
import { merged, nearest, smoothed, thinned } from '../../page/parts/curves/curve.ts'
import { drawn } from '../../page/parts/curves/drawn.ts'
import { createRandom } from '../../src/random.ts'
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
    const [points, reach] = [noisy(300), 12]
    const mean =
      points.slice(100 - reach, 100 + reach + 1).reduce((sum, { y }) => sum + y, 0) / (2 * reach + 1)
    expect(smoothed(points)[100]!.y).to.be.closeTo(mean, 1e-9)
  })

  it('is smoothed at its ends too, where its last point would jump', () => {
    const ends = Array.from({ length: 200 }, (_, seed) => {
      const { normal } = createRandom(seed)
      return smoothed(Array.from({ length: 300 }, (_, x) => ({ x, y: normal() }))).at(-1)!.y
    })
    // Of a line through 25 points the variance at its end is (4·25 − 2) / (25·26) = 0.15.
    const variance = ends.reduce((sum, y) => sum + y * y, 0) / ends.length
    expect(variance).to.be.within(0.1, 0.21)
    expect(smoothed([{ x: 1, y: 2 }])).to.deep.equal([{ x: 1, y: 2 }])
    expect(smoothed([])).to.deep.equal([])
  })

  it('is averaged before it is smoothed where it is long', () => {
    const line = Array.from({ length: 100_001 }, (_, i) => ({ x: i, y: 7 }))
    const smooth = smoothed(line)
    expect(smooth.length).to.be.within(1000, 2000)
    expect(smooth.at(-1)!.x).to.equal(100_000)
    for (const { y } of smooth) expect(y).to.be.closeTo(7, 1e-9)
  })

  it('is read at the nearest point', () => {
    const points = [1, 2, 5, 9].map((x) => ({ x, y: x }))
    expect([-3, 1.4, 3.4, 3.6, 7.1, 50].map((x) => nearest(points, x)!.x)).to.deep.equal([1, 1, 2, 5, 9, 9])
    expect(nearest([], 1)).to.equal(undefined)
  })

  it('is read beside others at every step that one of them has', () => {
    const at = (...xs: number[]) => xs.map((x) => ({ x, y: x }))
    expect(merged(at(1, 2, 5), at(0, 2, 9)).map(({ x }) => x)).to.deep.equal([0, 1, 2, 5, 9])
    expect([merged([], at(1)), merged(at(1), [])]).to.deep.equal([at(1), at(1)])
  })

  it('of 100,000 points is drawn in a few thousand characters, and fast', () => {
    const points = noisy(100_000)
    const draw = () => drawn({ curves: [{ name: 'training', points }] }, 600, 220)
    const milliseconds = Array.from({ length: 5 }, () => {
      const before = performance.now()
      draw()
      return performance.now() - before
    })
    expect(Math.min(...milliseconds)).to.be.lessThan(100)
    const picture = draw()
    expect(picture.lines[0]!.faint!.length).to.be.lessThan(30_000)
    expect(picture.lines[0]!.line).to.match(/^M[\d.]+ [\d.]+(L[\d.]+ [\d.]+)+$/)
  })

  it('keeps its colour when others come', () => {
    const curves = ['training', 'chosen', 'validation'].map((name) => ({ name, points: noisy(3) }))
    expect(drawn({ curves }, 600, 220).lines.map(({ colour }) => colour)).to.deep.equal(['1', '3', '2'])
  })
})

describe('an axis', () => {
  it('begins at a round number and holds all, with little room above', () => {
    expect(linear(2.93, 4.1).ticks).to.deep.equal([2.5, 3, 3.5, 4])
    expect(linear(2.93, 4.1).place(4.1)).to.be.within(0.9, 0.97)
    expect(linear(2.93, 4.4).ticks).to.deep.equal([2.5, 3, 3.5, 4, 4.5])
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
