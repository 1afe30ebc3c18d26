import { expect } from 'chai'

import { SPLITS, checkFractions, splitOfColumn, splitOfRow } from '../../src/data/sets/splits.ts'
import { userError } from './helpers.ts'

const fractions = { validation: 0.1, test: 0.2 }

describe('data/splits', () => {
  it('gives each split its share', () => {
    const rows = 20_000
    const counts = { train: 0, validation: 0, test: 0 }
    for (let i = 0; i < rows; i++) counts[splitOfRow({ id: i }, fractions, 1)]++
    // Five standard deviations of a binomial count.
    const near = (share: number) => 5 * Math.sqrt(rows * share * (1 - share))
    expect(counts.validation).to.be.closeTo(rows * 0.1, near(0.1))
    expect(counts.test).to.be.closeTo(rows * 0.2, near(0.2))
  })

  it('depends on the content of the row and the seed alone', () => {
    const split = (seed: number) =>
      Array.from({ length: 200 }, (_, i) => splitOfRow({ a: String(i), b: 'x' }, fractions, seed))
    expect(split(1)).to.deep.equal(split(1))
    expect(split(1)).to.not.deep.equal(split(2))
    const reordered = Array.from({ length: 200 }, (_, i) =>
      splitOfRow({ b: 'x', a: String(i) }, fractions, 1),
    )
    expect(reordered).to.deep.equal(split(1))
    expect(new Set(split(1))).to.deep.equal(new Set(SPLITS))
  })

  it('reads a column that says the split', async () => {
    const of = (value: string) => splitOfColumn({ split: value }, 'split', 'row 1')
    expect(['train', 'Dev', 'val', 'validation', ' test'].map(of)).to.deep.equal([
      ...['train', 'validation', 'validation', 'validation', 'test'],
    ])
    expect(await userError(() => of('tets'))).to.equal(
      'row 1: split column "split" holds "tets"; it must be train, validation or test',
    )
    expect(await userError(() => splitOfColumn({ a: 1 }, 'split', 'row 1'))).to.match(
      /no column "split"; there are a/,
    )
    expect(await userError(() => of('constructor'))).to.match(/holds "constructor"/)
  })

  it('refuses fractions that leave nothing for training', async () => {
    expect(await userError(() => checkFractions({ validation: 0.5, test: 0.5 }))).to.match(/together below 1/)
    expect(await userError(() => checkFractions({ validation: -0.1, test: 0 }))).to.match(/at least 0/)
    expect(await userError(() => checkFractions({ validation: NaN, test: 0 }))).to.match(/at least 0/)
  })
})
