import { createHash } from 'node:crypto'

import { expect } from 'chai'
import fc from 'fast-check'

import { fingerprint } from '../../src/data/sets/fingerprint.ts'
import { checkFractions, groupKey, hashFraction, rowKey, splitOfColumn } from '../../src/data/sets/splits.ts'
import { blobFile } from '../../src/formats/byte_file.ts'
import { userError } from './helpers.ts'

describe('data/splits', () => {
  it('draws by SHA-256, as OpenSSL computes it, in Node and in a browser (property)', async () => {
    const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest()
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.string({ unit: 'binary' }), async (seed, text) => {
        const bits = sha256(`${seed}\n${text}`).readUIntBE(0, 6)
        expect(hashFraction(seed, text)).to.equal(bits / 2 ** 48)
        const digest = sha256(JSON.stringify([[sha256(text).toString('hex')], { seed }])).toString('hex')
        expect(await fingerprint([blobFile(new Blob([text]))], { seed })).to.equal(digest)
      }),
    )
    const large = Buffer.alloc(600_000, 'wörd')
    expect(await fingerprint([blobFile(new Blob([large]))], [])).to.equal(
      sha256(JSON.stringify([[sha256(large).toString('hex')], []])).toString('hex'),
    )
  })

  it('knows equal rows, whatever the order of their columns', () => {
    expect(rowKey({ b: 'x', a: 1 })).to.equal(rowKey({ a: 1, b: 'x' }))
    expect(rowKey({ b: 'x', a: 1 })).to.not.equal(rowKey({ a: 'x', b: 1 }))
  })

  it('groups rows by a column; a row without a value stands alone', async () => {
    expect(groupKey({ word: 1 }, 'word', 'row 1')).to.equal(groupKey({ word: '1', id: 2 }, 'word', 'row 2'))
    expect(groupKey({ word: '', id: 1 }, 'word', 'row 1')).to.not.equal(
      groupKey({ word: '', id: 2 }, 'word', 'row 2'),
    )
    expect(await userError(() => groupKey({ a: 1 }, 'word', 'row 1'))).to.equal(
      'row 1: there is no column "word"; there are a',
    )
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
