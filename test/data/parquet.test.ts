import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { readRows } from '../../src/data/sources/read_rows.ts'
import { Binary } from '../../src/data/row.ts'
import type { Row } from '../../src/data/row.ts'
import { UserError } from '../../src/errors.ts'
import { createRandom } from '../../src/random.ts'
import { collect, userError, withFile } from './helpers.ts'

const fixture = (codec: string): string => join(import.meta.dirname, 'fixtures', `rows_${codec}.parquet`)

describe('data/parquet', () => {
  for (const codec of ['none', 'snappy', 'zstd', 'gzip']) {
    it(`reads every row group and type that pyarrow wrote (${codec})`, async () => {
      const rows = await collect(readRows(fixture(codec)))
      const expected = Array.from({ length: 50 }, (_, i) => ({
        word: `wörd ${i}`,
        label: i,
        score: i / 4,
        note: i % 3 === 0 ? null : `note ${i}`,
        tags: Array.from({ length: i % 3 }, (_, j) => `t${j}`),
        answer: { text: `a${i}`, start: i },
      }))
      expect(rows).to.deep.equal(expected)
    })
  }

  it('says of a file that is cut off or of another kind what it is, without the words of a library', async () => {
    const whole = await readFile(fixture('none'))
    const cases: readonly (readonly [bytes: Uint8Array, says: RegExp])[] = [
      [whole.subarray(0, 0), /\(it has only 0 bytes\)/],
      [whole.subarray(0, whole.length >> 1), /so it is cut off\)/],
      [Buffer.from('<!DOCTYPE html><html></html>'), /another kind of file\)/],
      [Buffer.concat([whole.subarray(0, 4), whole.subarray(-200)]), /is not a Parquet file/],
    ]
    for (const [bytes, says] of cases)
      await withFile('t.parquet', bytes, async (path) =>
        expect(await userError(() => collect(readRows(path))))
          .to.match(says)
          .and.to.match(/t\.parquet is not a Parquet file .*; copy or write it again$/)
          .and.not.match(/DataView|undefined|Offset/),
      )
  })

  it('reads dates and times of any year, as numpy tells them', async () => {
    const fixtures = join(import.meta.dirname, 'fixtures')
    const rows = await collect(readRows(join(fixtures, 'far_times.parquet')))
    const told = JSON.parse(await readFile(join(fixtures, 'far_times.json'), 'utf8')) as Record<
      string,
      string[]
    >
    // numpy writes years without plus and noughts before them, and fractions in all digits.
    const plain = (text: unknown) =>
      String(text)
        .replace(/^([+-]?)0*(?=\d)/, '$1')
        .replace(/^\+/, '')
        .replace(/\.?(?:000)+$/, '')
    for (const [name, texts] of Object.entries(told))
      expect(rows.map((row) => plain(row[name]))).to.deep.equal(texts.map(plain))
    expect(rows[0]!['day']).to.equal('+301770-10-26')
    expect(rows[2]!['day']).to.equal('9999-12-31')
  })

  describe('values that JavaScript would change', () => {
    const file = (name: string): string => join(import.meta.dirname, 'fixtures', name)
    let rows: Row[]
    let expected: Record<string, unknown[]>
    before(async () => {
      rows = await collect(readRows(file('types.parquet')))
      expected = JSON.parse(await readFile(file('types.json'), 'utf8')) as Record<string, unknown[]>
    })
    const column = (name: string) => rows.map((row) => row[name])
    const infinite = { inf: Infinity, '-inf': -Infinity }
    const number = (text: string | null) =>
      text === null ? null : text in infinite ? infinite[text as keyof typeof infinite] : Number(text)

    for (const name of ['float32', 'float16'])
      it(`reads ${name} as the shortest decimal that means it, as numpy prints it`, () => {
        // A process that has opened a session takes a subnormal number for 0.
        const isNormal = (value: unknown) =>
          typeof value !== 'number' || value === 0 || Math.abs(value) >= 2 ** -126
        const wanted = (expected[name] as (string | null)[]).map(number)
        for (const [i, value] of column(name).entries())
          if (isNormal(wanted[i])) expect(value, `row ${i}`).to.deep.equal(wanted[i])
      })

    for (const name of ['price', 'small', 'wide', 'day', 'at', 'at_utc', 'at_ns', 'clock', 'word', 'large'])
      it(`reads ${name} as Python writes it`, () => {
        expect(column(name)).to.deep.equal(expected[name])
      })

    it('keeps every digit of 64-bit integers', () => {
      expect(column('uint64').map(String)).to.deep.equal(expected['uint64'])
      expect(column('uint64')[2]).to.equal(5)
    })

    it('reads old timestamps of 96 bits', async () => {
      const old = await collect(readRows(file('int96.parquet')))
      expect(old.map((row) => row['at_ns'])).to.deep.equal(expected['at_ns'])
    })

    it('passes bytes over that are no text, and reads what stands beside them', () => {
      const images = column('image') as { bytes: unknown; path: string }[]
      expect(images.map(({ path }) => path)).to.deep.equal(expected['path'])
      expect(images[0]!.bytes).to.be.instanceOf(Binary)
    })

    it('reads numbers within lists', () => {
      expect(column('sizes')).to.deep.equal((expected['sizes'] as string[][]).map((list) => list.map(Number)))
    })

    it('takes the names of classes that the datasets library keeps', async () => {
      expect(await collect(readRows(file('classes.parquet')))).to.deep.equal([
        { text: 'a', label: 'Business', tags: ['O', 'B-PER'], answers: [{ label: 'yes' }] },
        { text: 'b', label: 'World', tags: [], answers: [] },
        { text: 'c', label: 'Sports', tags: ['B-PER'], answers: [{ label: 'no' }] },
        { text: 'd', label: null, tags: ['O'], answers: [] },
      ])
    })
  })

  for (const version of [1, 2])
    it(`reads a column of nothing but nulls under LZ4, in data pages of version ${version}`, async () => {
      expect(
        await collect(readRows(join(import.meta.dirname, 'fixtures', `nulls_lz4_v${version}.parquet`))),
      ).to.deep.equal([
        { text: 'a', note: null, label: 'x' },
        { text: 'b', note: null, label: null },
        { text: 'c', note: null, label: 'y' },
      ])
    })

  it('refuses a file truncated anywhere', async () => {
    const whole = await readFile(fixture('snappy'))
    for (let length = 0; length < whole.length; length += 97) {
      const message = await withFile('t.parquet', whole.subarray(0, length), (path) =>
        userError(() => collect(readRows(path))),
      )
      expect(message).to.match(/not a Parquet file that can be read/)
    }
  })

  it('meets a damaged footer with rows or a UserError, nothing else', async () => {
    const whole = await readFile(fixture('snappy'))
    const footer = whole.readInt32LE(whole.length - 8)
    const random = createRandom(1, 'damage')
    let refused = 0
    for (let run = 0; run < 150; run++) {
      const damaged = Buffer.from(whole)
      damaged[whole.length - 8 - 1 - random.integer(footer)] = random.integer(256)
      await withFile('t.parquet', damaged, (path) => collect(readRows(path))).catch((error: unknown) => {
        expect(error).to.be.instanceOf(UserError)
        refused++
      })
    }
    expect(refused).to.be.greaterThan(20)
  })
})
