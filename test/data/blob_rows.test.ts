import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

import { expect } from 'chai'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'

import { CsvError, csvRecords } from '../../src/data/sources/csv_records.ts'
import { readRows } from '../../src/data/sources/read_rows.ts'
import { readRowsOf } from '../../src/data/sources/rows_of.ts'
import type { ReadOptions } from '../../src/data/sources/rows_of.ts'
import type { ByteFile } from '../../src/formats/byte_file.ts'
import { blobFile } from '../../src/formats/byte_file.ts'
import { UserError } from '../../src/errors.ts'
import { collect, userError, withFile } from './helpers.ts'

const root = join(import.meta.dirname, '..', '..')

/** The rows of a file, or its error, without the folder that it lies in. */
async function outcome(rows: AsyncIterable<unknown>, folder = ''): Promise<unknown> {
  try {
    return await collect(rows)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return error.message.replaceAll(`${folder}/`, '')
  }
}

/** A beginning, and bytes after it that come in pieces of these lengths, over and over. */
const ragged = (name: string, bytes: Uint8Array, first: number, lengths: readonly number[]): ByteFile => ({
  name,
  open: async () => {
    const wanted = [first]
    return {
      size: bytes.length,
      read: async (position, length) => {
        if (wanted.length === 0) wanted.push(...lengths)
        return bytes.slice(position, position + Math.min(length, wanted.shift()!))
      },
      close: async () => undefined,
    }
  },
})

/** What tells the encoding and the line ends of a file, and how many columns it has. */
const BEGINNINGS = {
  't.csv': 'a,b\n1,2\n',
  't.tsv': 'a\tb\n1\t2\n',
  't.jsonl': '{"a":1}\n',
  't.json': '[\n{"a":1},',
} as const

describe('rows of what a browser holds', () => {
  it('are those of the same file of a disk, of every fixture', async () => {
    const files: string[] = []
    for (const folder of ['data', 'test/fixtures', 'test/data/fixtures'])
      for (const name of await readdir(join(root, folder), { recursive: true }))
        if (/\.(?:csv|tsv|jsonl|ndjson|json|parquet)$/.test(name)) files.push(join(root, folder, name))
    expect(files.length).to.be.greaterThan(20)
    let read = 0
    for (const path of files) {
      const [name, bytes] = [basename(path), await readFile(path)]
      const [blob, disk] = [
        await outcome(readRowsOf(blobFile(new File([bytes], name))), dirname(path)),
        readRows(path),
      ]
      expect(blob, path).to.deep.equal(await outcome(disk, dirname(path)))
      read += Number(Array.isArray(blob))
    }
    expect(read).to.be.greaterThan(12)
  })

  it('have the errors of the same file of a disk, with its own name', async () => {
    const texts: readonly (readonly [
      name: string,
      content: string | Buffer<ArrayBuffer>,
      options?: ReadOptions,
    ])[] = [
      ['t.csv', ''],
      ['t.csv', 'a,b\n1,2\n3,"x\n4,5\n'],
      ['t.csv', 'a,b\n1\n'],
      ['t.csv', Buffer.from('a,b\nun café,b\n', 'latin1')],
      ['t.csv', Buffer.from('\uFEFFa,b\n1,\uD83D!\n', 'utf16le')],
      ['t.jsonl', '{"a":1}\n{"a":\n'],
      ['t.json', '{"a":1}'],
      ['t.json', '[{"a":1},'],
      ['t.parquet', 'PAR1 and no more than that'],
      ['t.txt', 'a'],
      ['t.csv', 'a\n1\n', { required: ['b'] }],
    ]
    for (const [name, content, options] of texts)
      await withFile(name, content, async (path) => {
        const told = await userError(() => collect(readRowsOf(blobFile(new Blob([content]), name), options)))
        expect(told).to.equal(await outcome(readRows(path, options), dirname(path)))
      })
  })

  it('name a file that has gone since it was picked', async () => {
    const gone = new (class extends Blob {
      override slice(): Blob {
        return this
      }
      override arrayBuffer(): Promise<ArrayBuffer> {
        return Promise.reject(new DOMException('the file was modified', 'NotReadableError'))
      }
    })(['a\n1\n'.repeat(9)])
    for (const format of ['csv', 'jsonl', 'json', 'parquet'] as const)
      expect(await userError(() => collect(readRowsOf(blobFile(gone, 'mine'), { format })))).to.match(
        /^mine cannot be read \(the file was modified\); .* pick it again$/,
      )
  })

  it('are the same wherever the bytes are cut (property)', async () => {
    const parts = ['"', '""', ',', '\t', '\n', '\r\n', '\r', 'é', '🦊', 'x', '{"a":1}', ']', '\\', '\uFEFF']
    const text = fc.array(fc.constantFrom(...parts), { maxLength: 40 }).map((all) => all.join(''))
    const names = fc.constantFrom(...(Object.keys(BEGINNINGS) as (keyof typeof BEGINNINGS)[]))
    const lengths = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 })
    let read = 0
    await fc.assert(
      fc.asyncProperty(names, text, lengths, fc.boolean(), async (name, more, pieces, wide) => {
        const encode = (content: string) =>
          wide ? Buffer.from(`\uFEFF${content}`, 'utf16le') : Buffer.from(content)
        const content = encode(BEGINNINGS[name] + more)
        const whole = await outcome(readRowsOf(blobFile(new Blob([content]), name)))
        const first = encode(BEGINNINGS[name]).length
        expect(await outcome(readRowsOf(ragged(name, content, first, pieces)))).to.deep.equal(whole)
        read += Number(Array.isArray(whole))
      }),
      { numRuns: 400 },
    )
    expect(read).to.be.greaterThan(20)
  })
})

describe('records of CSV', () => {
  it('are those of csv-parse, but that it counts lines within quotes twice (property)', async () => {
    const signs = ['"', '"', ',', ';', '\n', '\r\n', '\r\r\n', 'é', 'x', ' ']
    const text = fc.array(fc.constantFrom(...signs), { maxLength: 30 }).map((all) => all.join(''))
    const options = fc.record({
      delimiter: fc.constantFrom(',', ';'),
      quoting: fc.boolean(),
      literalQuotes: fc.boolean(),
    })
    const codes = { open: 'CSV_QUOTE_NOT_CLOSED', inside: /^(?:CSV_INVALID_CLOSING|INVALID_OPENING)_QUOTE$/ }
    const seen = { records: 0, open: 0, inside: 0 }
    await fc.assert(
      fc.asyncProperty(text, options, async (content, { delimiter, quoting, literalQuotes }) => {
        const sign = quoting ? '"' : null
        let expected: string[][] | string
        try {
          expected = parse(content, {
            ...{ delimiter, quote: sign, escape: sign, relax_quotes: literalQuotes },
            record_delimiter: ['\r\r\n', '\r\n', '\n'],
            ...{ relax_column_count: true, skip_empty_lines: true },
          })
        } catch (error) {
          expected = (error as { code: string }).code
        }
        const blocks = content.match(/[^\n]*\n|[^\n]+/g) ?? []
        const records = csvRecords(
          (async function* () {
            yield* blocks
          })(),
          { delimiter, quoting, literalQuotes },
        )
        try {
          const fields = (await collect(records)).map((record) => record.fields)
          expect(fields).to.deep.equal(expected)
          seen.records++
        } catch (error) {
          if (!(error instanceof CsvError) || error.fault === 'long') throw error
          expect(expected).to.match(new RegExp(codes[error.fault]))
          seen[error.fault]++
        }
      }),
      { numRuns: 3000 },
    )
    expect(Math.min(...Object.values(seen))).to.be.greaterThan(50)
  })

  it('are told by the line that they begin in', async () => {
    const blocks = async function* () {
      yield 'a\n\n"b\nb",c\r\n'
      yield '"d\r\n\n'
      yield 'e"\n'
      yield 'f'
    }
    const records = await collect(csvRecords(blocks(), { delimiter: ',', quoting: true }))
    expect(records.map(({ line }) => line)).to.deep.equal([1, 3, 5, 8])
  })
})
