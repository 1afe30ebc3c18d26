import { expect } from 'chai'
import fc from 'fast-check'

import type { DataSet } from '../../src/data/sets/data_set.ts'
import { layouts } from '../../src/data/sets/layouts.ts'
import type { Batch } from '../../src/data/batches/batches.ts'
import {
  batchCount,
  sequentialBatches,
  trainingBatches,
  trainingOrder,
} from '../../src/data/batches/batches.ts'
import { packedRows } from '../../src/data/batches/packing.ts'
import { createRandom } from '../../src/random.ts'
import { example } from './helpers.ts'

/** A data set in memory whose row i is [i, i, …]; counts its reads. */
function inMemory(lengths: readonly number[]): DataSet & { reads: number } {
  return {
    ...{
      fingerprint: '',
      vocabularySize: 1e6,
      maxLength: 1e6,
      classes: [],
      layout: layouts.single,
      reads: 0,
    },
    size: lengths.length,
    lengths: Int32Array.from(lengths),
    row(index) {
      this.reads++
      return example(new Array<number>(lengths[index]!).fill(index))
    },
    close: () => undefined,
  }
}

const idsOf = ({ sequences }: Batch): number[][][] =>
  sequences.map((examples) => examples.map(({ input_ids }) => [...input_ids]))

const lengthsOf = (count: number): number[] => {
  const random = createRandom(3)
  return Array.from({ length: count }, () => 1 + random.integer(100))
}

describe('data/batches', () => {
  it('shows every row exactly once an epoch, in batches of the size asked for (property)', () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 400 })
    const inputs = fc.tuple(lengths, fc.integer({ min: 1, max: 9 }), fc.nat(), fc.nat(5))
    fc.assert(
      fc.property(inputs, ([rowLengths, batchSize, seed, epoch]) => {
        const batches = trainingOrder(Int32Array.from(rowLengths), { batchSize, seed, epoch })
        expect(batches).to.have.length(batchCount(rowLengths.length, batchSize))
        const rows = batches.flatMap((batch) => Array.from(batch))
        expect(rows.toSorted((a, b) => a - b)).to.deep.equal(rowLengths.map((_, row) => row))
        expect(batches.filter((batch) => batch.length < batchSize).length).to.be.at.most(1)
      }),
    )
  })

  it('depends on seed and epoch alone', () => {
    const lengths = Int32Array.from(lengthsOf(300))
    const order = (seed: number, epoch: number) => trainingOrder(lengths, { batchSize: 4, seed, epoch })
    expect(order(1, 0)).to.deep.equal(order(1, 0))
    expect(order(1, 0)).to.not.deep.equal(order(1, 1))
    expect(order(1, 0)).to.not.deep.equal(order(2, 0))
  })

  it('goes on from any batch with the same batches, reading no row before it', () => {
    const dataset = inMemory(lengthsOf(101))
    const order = { batchSize: 4, seed: 7, epoch: 2 }
    const whole = [...trainingBatches(dataset, order)]
    for (const start of [0, 1, 13, 25, 26]) {
      dataset.reads = 0
      expect([...trainingBatches(dataset, { ...order, start })]).to.deep.equal(whole.slice(start))
      expect(dataset.reads).to.equal(whole.slice(start).reduce((sum, batch) => sum + batch.rows.length, 0))
    }
  })

  it('reads rows only when their batch is asked for', () => {
    const dataset = inMemory(lengthsOf(100))
    const batches = trainingBatches(dataset, { batchSize: 4, seed: 7, epoch: 2 })
    batches.next()
    expect(dataset.reads).to.equal(4)
  })

  it('puts rows of like length together: little of a batch is padding', () => {
    const lengths = Int32Array.from(lengthsOf(5000))
    const padded = trainingOrder(lengths, { batchSize: 8, seed: 1, epoch: 0 }).reduce(
      (sum, batch) => sum + batch.length * Math.max(...Array.from(batch, (row) => lengths[row]!)),
      0,
    )
    const tokens = lengths.reduce((sum, length) => sum + length, 0)
    expect(padded / tokens).to.be.lessThan(1.05)
  })

  it('shuffles the batches: long ones do not come last', () => {
    const lengths = Int32Array.from(lengthsOf(5000))
    const means = trainingOrder(lengths, { batchSize: 8, seed: 1, epoch: 0 }).map(
      (batch) =>
        Array.from(batch, (row) => lengths[row]!).reduce((sum, length) => sum + length, 0) / batch.length,
    )
    const half = means.length >> 1
    const mean = (part: number[]): number => part.reduce((sum, value) => sum + value, 0) / part.length
    expect(Math.abs(mean(means.slice(0, half)) - mean(means.slice(half)))).to.be.lessThan(6)
  })

  it('gives packed rows together, and goes on from any batch with the same', () => {
    const dataset = inMemory(lengthsOf(101))
    const order = { batchSize: 4, seed: 7, epoch: 2 }
    const packs = packedRows(dataset.lengths, 128)
    const whole = [...trainingBatches(dataset, order, packs)]
    expect(whole.length).to.equal(batchCount(packs.size, 4)).and.to.be.below(batchCount(101, 4))
    expect(whole.flatMap(({ rows }) => rows.flat()).sort((a, b) => a - b)).to.deep.equal(
      Array.from({ length: 101 }, (_, row) => row),
    )
    for (const batch of whole) {
      const read = batch.rows.map((rows) =>
        rows.map((row) => new Array<number>(dataset.lengths[row]!).fill(row)),
      )
      expect(idsOf(batch)).to.deep.equal(read)
    }
    expect([...trainingBatches(dataset, { ...order, start: 9 }, packs)]).to.deep.equal(whole.slice(9))
  })

  it('evaluates in the order of the data', () => {
    const batches = [...sequentialBatches(inMemory([1, 2, 3, 4, 5]), { batchSize: 2 })]
    expect(batches.map(({ rows }) => rows)).to.deep.equal([[[0], [1]], [[2], [3]], [[4]]])
    expect(idsOf(batches[1]!)).to.deep.equal([[[2, 2, 2]], [[3, 3, 3, 3]]])
  })
})
