import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { readRows } from '../../src/data/sources/read_rows.ts'
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
