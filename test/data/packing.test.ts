import { expect } from 'chai'
import fc from 'fast-check'

import { packedRows, pairRows, singleRows } from '../../src/data/batches/packing.ts'
import type { Sequences } from '../../src/data/batches/packing.ts'
import { createRandom } from '../../src/random.ts'

const rowsOf = (sequences: Sequences): (readonly number[])[] =>
  Array.from({ length: sequences.size }, (_, index) => sequences.rows(index))

const sum = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((total, value) => total + value, 0)

/** Rows of 1 … capacity tokens. */
const packable = fc.integer({ min: 1, max: 60 }).chain((capacity) =>
  fc.record({
    capacity: fc.constant(capacity),
    lengths: fc.array(fc.integer({ min: 1, max: capacity }), { maxLength: 200 }),
  }),
)

describe('data/packing', () => {
  it('puts every row into exactly one sequence, none of which exceeds the capacity (property)', () => {
    fc.assert(
      fc.property(packable, ({ capacity, lengths }) => {
        const packed = packedRows(Int32Array.from(lengths), capacity)
        const rows = rowsOf(packed)
        expect(rows.flat().sort((a, b) => a - b)).to.deep.equal(lengths.map((_, row) => row))
        const totals = rows.map((sequence) => sum(sequence.map((row) => lengths[row]!)))
        expect([...packed.lengths]).to.deep.equal(totals)
        expect(packed.lengths.length).to.equal(packed.size)
        for (const total of totals) expect(total).to.be.within(1, capacity)
        // No two sequences would fit into one.
        const [smallest = capacity, next = capacity] = totals.toSorted((a, b) => a - b)
        expect(smallest + next).to.be.greaterThan(capacity)
      }),
    )
  })

  it('depends on nothing but the lengths and the capacity (property)', () => {
    fc.assert(
      fc.property(packable, ({ capacity, lengths }) => {
        const pack = () => rowsOf(packedRows(Int32Array.from(lengths), capacity))
        expect(pack()).to.deep.equal(pack())
      }),
    )
  })

  it('begins with the longest row and puts each where it leaves the least room', () => {
    const packed = packedRows(Int32Array.of(3, 7, 5, 2, 4, 10, 1), 10)
    expect(rowsOf(packed)).to.deep.equal([[5], [1, 0], [2, 4, 6], [3]])
  })

  it('leaves little of the sequences empty', () => {
    const { integer } = createRandom('packing')
    const lengths = Int32Array.from({ length: 5000 }, () => 1 + integer(120))
    const { size } = packedRows(lengths, 256)
    expect(sum(lengths) / (256 * size)).to.be.greaterThan(0.99)
  })

  it('takes rows one by one where they are not packed', () => {
    const single = singleRows(Int32Array.of(4, 2, 9))
    expect(rowsOf(single)).to.deep.equal([[0], [1], [2]])
    expect([...single.lengths]).to.deep.equal([4, 2, 9])
  })

  it('takes rows two by two where they are pairs', () => {
    const pairs = pairRows(Int32Array.of(4, 2, 9, 3))
    expect(rowsOf(pairs)).to.deep.equal([
      [0, 1],
      [2, 3],
    ])
    expect([...pairs.lengths]).to.deep.equal([6, 12])
    expect(pairs.size).to.equal(2)
  })
})
