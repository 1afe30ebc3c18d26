import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { gzipSync } from 'node:zlib'

import { expect } from 'chai'
import fc from 'fast-check'

import { readRows } from '../../src/data/sources/read_rows.ts'
import type { ReadOptions } from '../../src/data/sources/rows_of.ts'
import { UserError } from '../../src/errors.ts'
import { collect, userError, withFile, withFolder } from './helpers.ts'

const rowsOf = (name: string, content: string | Uint8Array, options?: ReadOptions) =>
  withFile(name, content, (path) => collect(readRows(path, options)))
const errorOf = (name: string, content: string | Uint8Array, options?: ReadOptions) =>
  withFile(name, content, (path) => userError(() => collect(readRows(path, options))))

describe('data/read_rows', () => {
  describe('CSV', () => {
    it('reads quotes, line ends inside quotes, CRLF, a byte order mark and blank lines', async () => {
      const text = '\uFEFFa,b\r\n1,"x ""y"", z"\r\n\r\n2,"two\r\nlines"\r\n'
      expect(await rowsOf('t.csv', text)).to.deep.equal([
        { a: '1', b: 'x "y", z' },
        { a: '2', b: 'two\r\nlines' },
      ])
    })

    it('reads text with a delimiter and given columns, such as the emotion files', async () => {
      const options = { delimiter: ';', columns: ['text', 'label'] }
      expect(await rowsOf('train.txt', 'i feel low;sadness\ni cried;joy\n', options)).to.deep.equal([
        { text: 'i feel low', label: 'sadness' },
        { text: 'i cried', label: 'joy' },
      ])
    })

    it('takes every column name as it is', async () => {
      const [row] = await rowsOf('t.csv', '__proto__,constructor\n1,2\n')
      expect(Object.entries(row!)).to.deep.equal([
        ['__proto__', '1'],
        ['constructor', '2'],
      ])
    })

    it('names file, line and remedy for each mistake', async () => {
      expect(await errorOf('t.csv', '')).to.match(/t\.csv is empty/)
      expect(await errorOf('t.csv', 'a,b\n1,2\n"x\ny",2\n\n"3\n4"\n')).to.match(
        /line 6: the row has 1 field where 2 .*\(a, b\)/,
      )
      expect(await errorOf('t.csv', 'a,b\n1,2,3\n')).to.match(/line 2: the row has 3 fields where 2/)
      expect(await errorOf('t.csv', 'a,b,a\n1,2,3\n')).to.match(/line 1: column "a" is named twice/)
      expect(await errorOf('t.tsv', 'a\ta\n1\t2\n')).to.match(/line 1: column "a" is named twice/)
      expect(await errorOf('t.csv', '1,2\n', { columns: ['a', 'a'] })).to.match(
        /the given columns: column "a" is named twice; rename one/,
      )
      expect(await errorOf('t.csv', 'a,b\n1,2\n3,"x\n4,5\n')).to.match(/line 3: .*never closed/)
      expect(await errorOf('t.csv', 'a,b\n"x"y,3\n')).to.match(/line 2: a double quote stands inside/)
      expect(await errorOf('t.csv', `a,b\n1,2\n${'x'.repeat(1_100_000)},3\n`)).to.match(
        /line 3: the row is longer/,
      )
      expect(await errorOf('t.csv', 'a,b\n1,2\n', { required: ['a', 'c'] })).to.match(
        /there is no column "c"; there are a, b/,
      )
      expect(await errorOf('t.csv', 'a\n1\n', { delimiter: '::' })).to.match(
        /delimiter "::" must be one character/,
      )
    })

    it('tells of another encoding where it is, what it may be, and how it is converted', async () => {
      const latin = (text: string) => Buffer.from(text, 'latin1')
      const convert = (encoding: string, name: string) =>
        new RegExp(
          `iconv -f ${encoding} -t UTF-8 "[^"]*${name}" > "[^"]*${name.replace('.', '\\.utf8\\.')}"$`,
        )
      for (const [name, rows, line] of [
        ['t.csv', 'text,label\nplain,a\nun café,b\n', 3],
        ['t.tsv', 'text\tlabel\nça va\ta\n', 2],
        ['t.jsonl', '{"text":"a"}\n{"text":"na\x93ve\x94"}\n', 2],
        ['t.json', '[{"text":"a"},\n{"text":"b"},\n{"text":"Größe"}]', 3],
      ] as const) {
        const told = await errorOf(name, latin(rows))
        expect(told)
          .to.match(new RegExp(`${name}, line ${line}: .*Windows-1252`))
          .and.to.match(convert('WINDOWS-1252', name))
      }
      const japanese = Buffer.from('93fa967b8cea82cc95b68e9a97f1', 'hex')
      const other = await errorOf('t.csv', Buffer.concat([latin('a,b\n1,'), japanese, latin('\n')]))
      expect(other).to.match(convert('ITS_ENCODING', 't.csv'))
      expect(other).to.not.match(/Windows/)
      const cut = Buffer.from('{"text":"ü"}\n{"text":"日').subarray(0, -1)
      expect(await errorOf('t.jsonl', cut)).to.match(/line 2: .*ends within a character, so copy it again$/)
    })

    it('leaves damaged rows out where it is asked, and names each', async () => {
      const cases: readonly (readonly [
        name: string,
        text: string,
        rows: number,
        damages: readonly RegExp[],
      ])[] = [
        [
          't.jsonl',
          '{"a":1}\n{"a":\n[1]\n{"a":2}\nnull\n{"a":3}\n{"a',
          3,
          [/line 2: not valid JSON/, /line 3: an array/, /line 5: null/, /line 7/],
        ],
        ['t.json', '[{"a":1}, {"a":}, 3, {"a":2}]', 2, [/row 2: /, /row 3: 3 where/]],
        [
          't.csv',
          'a,b\n1,2\n1,2,3\n1\n3,4\n',
          2,
          [/line 3: the row has 3 fields/, /line 4: the row has 1 field /],
        ],
        ['t.tsv', 'a\tb\n1\t2\n1\n3\t4\n', 2, [/line 3: the row has 1 field /]],
      ]
      for (const [name, text, rows, damages] of cases)
        await withFile(name, text, async (path) => {
          const left: string[] = []
          const read = await collect(readRows(path, {}, ({ message }) => left.push(message)))
          expect(read, text).to.have.length(rows)
          expect(left, text).to.have.length(damages.length)
          damages.forEach((damage, i) => expect(left[i]).to.match(damage))
        })
      await withFile('t.csv', 'a,b\n1,2\n"x,3\n3,4\n', async (path) =>
        expect(await userError(() => collect(readRows(path, {}, () => undefined)))).to.match(/never closed/),
      )
    })

    it('says that a file is packed, and reads very many columns soon', async () => {
      expect(await errorOf('t.jsonl', gzipSync('{"a":1}\n'))).to.match(
        /t\.jsonl is compressed with gzip; unpack it/,
      )
      const names = Array.from({ length: 50_000 }, (_, i) => `c${i}`)
      const before = performance.now()
      await withFile('t.csv', `${names.join(',')}\n${names.join(',')}\n`, async (path) =>
        expect(Object.keys((await collect(readRows(path)))[0]!)).to.deep.equal(names),
      )
      expect(performance.now() - before).to.be.lessThan(3000)
    }).timeout(10_000)

    it('names the line of bytes that are not UTF-8', async () => {
      const bytes = Buffer.concat([Buffer.from('a,b\n1,ü\n2,'), Buffer.from([0xff, 0x0a])])
      expect(await errorOf('t.csv', bytes)).to.match(/line 3: these bytes are not UTF-8/)
    })

    it('says what is wrong with a missing file, a folder and an unknown extension', async () => {
      await withFolder(async (folder) => {
        expect(await userError(() => collect(readRows(`${folder}/no.csv`)))).to.match(
          /no\.csv does not exist/,
        )
        expect(await userError(() => collect(readRows(folder, { format: 'csv' })))).to.match(/is a folder/)
        expect(await userError(() => collect(readRows(`${folder}/a.txt`)))).to.match(/give a format/)
      })
    })

    it('gives back what was written (property)', async () => {
      const table = fc
        .uniqueArray(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 5 })
        .chain((names) =>
          fc.record({
            names: fc.constant(names),
            rows: fc.array(fc.tuple(...names.map(() => fc.string({ unit: 'binary' })))),
          }),
        )
      const quote = (text: string): string => `"${text.replaceAll('"', '""')}"`
      await fc.assert(
        fc.asyncProperty(table, fc.constantFrom('\n', '\r\n'), async ({ names, rows }, end) => {
          const text = [names, ...rows].map((row) => row.map(quote).join(',') + end).join('')
          const expected = rows.map((row) => Object.fromEntries(row.map((value, i) => [names[i]!, value])))
          expect(await rowsOf('t.csv', text)).to.deep.equal(expected)
        }),
        { numRuns: 60 },
      )
    })

    it('reads a file of many blocks', async () => {
      const lines = Array.from({ length: 20_000 }, (_, i) => `${i},"wörd ${i}"\n`)
      const rows = await rowsOf('t.csv', 'id,word\n' + lines.join(''))
      expect(rows).to.have.length(20_000)
      expect(rows.every((row, i) => row.id === String(i) && row.word === `wörd ${i}`)).to.equal(true)
    })
  })

  describe('CSV as spreadsheets write it', () => {
    const rows = [{ text: 'a, b', label: '1' }]

    it('tells the delimiter by the heading', async () => {
      for (const sign of [';', '\t', '|'])
        expect(await rowsOf('t.csv', `text${sign}label\r\na, b${sign}1\r\n\r\n`)).to.deep.equal(rows)
      expect(await rowsOf('t.csv', '"text;x",label\n"a, b",1\n')).to.deep.equal([
        { 'text;x': 'a, b', label: '1' },
      ])
      expect(await rowsOf('t.csv', 'text\na;b\n')).to.deep.equal([{ text: 'a;b' }])
      expect(await rowsOf('t.csv', 'a;b|c\nx\n')).to.deep.equal([{ 'a;b|c': 'x' }])
      expect(await rowsOf('t.csv', 'a;b\n', { columns: ['text'] })).to.deep.equal([{ text: 'a;b' }])
      expect(await rowsOf('t.csv', 'a;b\n1;2\n', { delimiter: ',' })).to.deep.equal([{ 'a;b': '1;2' }])
    })

    it('takes a first line that names the delimiter', async () => {
      expect(await rowsOf('t.csv', '\uFEFFsep=;\r\ntext;label\r\na, b;1\r\n')).to.deep.equal(rows)
      expect(await errorOf('t.csv', 'sep=;\na;b\n1;2;3\n')).to.match(/line 3: the row has 3 fields/)
    })

    it('takes a quote within an unquoted field for text, but for one after a closing quote', async () => {
      expect(await rowsOf('t.csv', 'a,b\n5" disk,"x, y"\nx "y" z,3\n')).to.deep.equal([
        { a: '5" disk', b: 'x, y' },
        { a: 'x "y" z', b: '3' },
      ])
      expect(await errorOf('t.csv', 'a,b\n1,"lone\n2,ok\n3,"y"\n')).to.match(/line 2: a double quote stands/)
      expect(await errorOf('t.csv', 'a,b\n"he said \\"hi\\"",1\n')).to.match(/a backslash before it does not/)
    })

    it('reads line ends of old Macs, and those that were translated twice', async () => {
      for (const end of ['\r', '\r\r\n', '\r\n']) {
        const lines = (...all: string[]) => all.map((line) => line + end).join('')
        const expected = [
          { a: '1', b: 'x y' },
          { a: '2', b: 'z' },
        ]
        expect(await rowsOf('t.csv', lines('a;b', '1;"x y"', '2;z'))).to.deep.equal(expected)
        expect(await rowsOf('t.tsv', lines('a\tb', '1\tx y', '2\tz'))).to.deep.equal(expected)
        expect(await rowsOf('t.jsonl', lines('{"a":"1","b":"x y"}', '{"a":"2","b":"z"}'))).to.deep.equal(
          expected,
        )
      }
      const long = Array.from({ length: 60_000 }, (_, i) => `${i},x\r`).join('')
      expect(await rowsOf('t.csv', `a,b\r${long}`)).to.have.length(60_000)
    })

    it('tells the delimiter by the first line that is not empty', async () => {
      expect(await rowsOf('t.csv', '\r\n\ntext;label\na, b;1\n')).to.deep.equal(rows)
    })

    it('says where UTF-16 is cut off or broken, and how other encodings are converted', async () => {
      const utf16 = (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le')
      const [whole, broken] = [utf16('a,b\n1,x\n'), utf16('a,b\n1,x\n2,\uD83D!\n')]
      for (const bytes of [whole, Buffer.from(whole).swap16()]) {
        expect(await rowsOf('t.csv', bytes)).to.deep.equal([{ a: '1', b: 'x' }])
        expect(await errorOf('t.csv', bytes.subarray(0, -1))).to.match(
          /line 3?2?: the file ends within a char/,
        )
      }
      expect(await errorOf('t.csv', utf16('a,b\n1,🦊').subarray(0, -2))).to.match(/line 2: .* it is cut off/)
      for (const bytes of [broken, Buffer.from(broken).swap16()])
        expect(await errorOf('t.csv', bytes)).to.match(/line 3: half a character stands alone/)

      const utf32 = Buffer.from(
        [...'\uFEFFa,b\n1,x\n'].flatMap((sign) => [
          sign.codePointAt(0)! & 255,
          sign.codePointAt(0)! >> 8,
          0,
          0,
        ]),
      )
      const chinese = Buffer.from('文本,标签\n好的，谢谢,一\n', 'utf16le')
      const cases: readonly [bytes: Buffer, encoding: string][] = [
        [whole.subarray(2), 'UTF-16LE'],
        [Buffer.from(whole.subarray(2)).swap16(), 'UTF-16BE'],
        [chinese, 'UTF-16LE'],
        [utf32, 'UTF-32LE'],
        [utf32.subarray(4), 'UTF-32LE'],
        [Buffer.from(utf32).swap32(), 'UTF-32BE'],
        [Buffer.from(utf32.subarray(4)).swap32(), 'UTF-32BE'],
      ]
      for (const [bytes, encoding] of cases)
        for (const name of ['t.csv', 't.tsv', 't.jsonl', 't.json'])
          expect(await errorOf(name, bytes)).to.match(
            new RegExp(`looks like ${encoding}.* iconv -f ${encoding} -t UTF-8`),
          )
      expect(await rowsOf('t.csv', 'a,b\nx\0y,1\n')).to.deep.equal([{ a: 'x\0y', b: '1' }])
    })

    it('lets columns without a name be', async () => {
      expect(await rowsOf('t.csv', 'text,,\nx,,\n')).to.deep.equal([{ text: 'x', '': '' }])
    })

    it('reads UTF-16 of either byte order, whatever its blocks are cut at', async () => {
      const lines = Array.from({ length: 40_000 }, (_, i) => `${i}\twörd 🦊 ${i}\r\n`)
      const little = Buffer.from(`\uFEFFid\tword\r\n${lines.join('')}`, 'utf16le')
      for (const bytes of [little, Buffer.from(little).swap16()]) {
        const rows = await rowsOf('t.csv', bytes)
        expect(rows).to.have.length(40_000)
        expect(rows.every((row, i) => row.id === String(i) && row.word === `wörd 🦊 ${i}`)).to.equal(true)
      }
    })
  })

  describe('TSV', () => {
    it('takes quotes off where the whole file has them, as pandas writes it', async () => {
      const quoted = 'text\tlabel\n"she said ""a fox"""\t1\nplain\t0\n'
      expect(await rowsOf('t.tsv', quoted)).to.deep.equal([
        { text: 'she said "a fox"', label: '1' },
        { text: 'plain', label: '0' },
      ])
      expect(await rowsOf('t.tsv', 'text\tlabel\n"a\tb"\t1\n"two\nlines"\t0\n')).to.deep.equal([
        { text: 'a\tb', label: '1' },
        { text: 'two\nlines', label: '0' },
      ])
      expect(await rowsOf('t.tsv', '"text"\t"label"\n"a"\t"1"\n')).to.deep.equal([{ text: 'a', label: '1' }])
      expect((await rowsOf('t.tsv', quoted, { quoting: false }))[0]).to.include({
        text: '"she said ""a fox"""',
      })
    })

    it('takes quotes for text where they enclose nothing that needs it, or where rows would vanish', async () => {
      expect(await rowsOf('t.tsv', 'text\tlabel\n"hello"\t1\n')).to.deep.equal([
        { text: '"hello"', label: '1' },
      ])
      const vanishing = 'a\tb\tc\n0\t"x\t1\n1\ty\t0\n2\tz"\t1\n'
      expect(await errorOf('t.tsv', vanishing)).to.match(/both fit, so say which: quoting: false or/)
      expect(await rowsOf('t.tsv', vanishing, { quoting: false })).to.have.length(3)
      expect(await rowsOf('t.tsv', vanishing, { quoting: true })).to.have.length(1)
      // A row of one field, where quotes enclosed.
      expect(await rowsOf('t.tsv', 'a\tb\n"x\t0\n1\ty"\n')).to.have.length(2)
      expect((await rowsOf('t.tsv', 'a\tb\n"hello"\t1\n', { quoting: true }))[0]).to.include({ a: 'hello' })
    })

    it('reads fields with both a tab and a line end, and quotes within unquoted fields, as Python does', async () => {
      // pandas: DataFrame.to_csv(sep='\t', index=False)
      const table = (text: string) =>
        `text\tlabel\n${Array.from({ length: 20 }, (_, i) => `"${text} ${i}"\tx\nplain ""quoted"" ${i}\ty\n`).join('')}`
      for (const text of ['a\tb\tc\nd', 'a\nb\tc', 'a\tb\n\nc', 'a\nb\tc\td']) {
        const rows = await rowsOf('t.tsv', table(text), text === 'a\tb\n\nc' ? { quoting: true } : {})
        expect(rows, text).to.have.length(40)
        expect(rows.slice(0, 2)).to.deep.equal([
          { text: `${text} 0`, label: 'x' },
          { text: 'plain ""quoted"" 0', label: 'y' },
        ])
      }
      // Each line has two fields as well.
      expect(await errorOf('t.tsv', table('a\tb\nc'))).to.match(/say which: quoting: false or quoting: true/)
      const mixed = 'text\tlabel\n5" disk\tx\n"a\tb"\ty\n'
      for (const options of [{}, { quoting: true }])
        expect(await rowsOf('t.tsv', mixed, options)).to.deep.equal([
          { text: '5" disk', label: 'x' },
          { text: 'a\tb', label: 'y' },
        ])
    })

    it('takes quotes as text, balanced or not', async () => {
      const text = 'index\tsentence\tlabel\n0\tHe said "no\t1\n1\t"yes" he said\t0\n'
      expect(await rowsOf('dev.tsv', text)).to.deep.equal([
        { index: '0', sentence: 'He said "no', label: '1' },
        { index: '1', sentence: '"yes" he said', label: '0' },
      ])
    })

    it('refuses ragged rows, and options that mean nothing', async () => {
      expect(await errorOf('t.tsv', 'a\tb\n1\t2\n3\n')).to.match(
        /line 3: the row has 1 field where 2 columns are .* quoting: true/,
      )
      expect(await errorOf('t.tsv', 'a\tb\n1\t2\n', { delimiter: ',' })).to.match(
        /"delimiter" has no meaning/,
      )
    })
  })

  describe('JSON', () => {
    it('reads one array of objects', async () => {
      expect(await rowsOf('t.json', '[{"a":1},\n {"b":{"c":[null]}}]')).to.deep.equal([
        { a: 1 },
        { b: { c: [null] } },
      ])
      expect(await rowsOf('t.txt', '[{"a":1}]', { format: 'json' })).to.deep.equal([{ a: 1 }])
    })

    it('reads UTF-16 with a byte order mark', async () => {
      const bytes = Buffer.from('\uFEFF[{"a":"ü"},\n{"a":"🦊"}]', 'utf16le')
      for (const text of [bytes, Buffer.from(bytes).swap16()])
        expect(await rowsOf('t.json', text)).to.deep.equal([{ a: 'ü' }, { a: '🦊' }])
      expect(await errorOf('t.json', Buffer.from('\uFEFF{"a":1}', 'utf16le'))).to.match(/must be one array/)
    })

    it('says what is wrong with a file of another form', async () => {
      expect(await errorOf('t.json', '{"a":1}\n{"a":2}\n')).to.match(/not valid JSON .* give format: jsonl$/)
      expect(await errorOf('t.json', '{"data":[]}')).to.match(/holds {…}; it must be one array of objects/)
      expect(await errorOf('t.json', '[]')).to.match(/is empty/)
      expect(await errorOf('t.json', '[{"a":1},[2]]')).to.match(
        /t\.json, row 2: \[2\] where a JSON object is wanted/,
      )
      expect(await userError(() => collect(readRows('nowhere.json')))).to.match(
        /nowhere\.json does not exist/,
      )
    })

    it('says where a file is broken, and in which row', async () => {
      const cases: readonly [text: string, says: RegExp][] = [
        ['[{"a":1},{"a":2', /not valid JSON \(it ends within its array\)/],
        ['[{"a":1}', /not valid JSON \(Expected/],
        ['[{"a":"]}', /not valid JSON \(Unterminated string/],
        ['[{"a":1},{"a":"]}', /it ends within its array/],
        ['[{"a":1},{}}', /its array ends with a brace/],
        ['[{"a":1}]\n[{"a":2}]', /more follows its array\); if each line is an object, give format: jsonl$/],
        ['[{"a":1},]', /row 2: Unexpected end of JSON input/],
        ['[,{"a":1}]', /row 1: Unexpected end of JSON input/],
        ['[{"a":1},{"a":x}]', /row 2: Unexpected token/],
        ['[{"a":1},{"a":[}]}]', /its array ends with a brace/],
        [`[{"a":1},${'['.repeat(200)}${']'.repeat(200)}]`, /row 2: it nests deeper than 100 levels/],
        ['"["', /holds "\["; it must be one array/],
        ['', /not valid JSON \(Unexpected end/],
      ]
      for (const [text, says] of cases) expect(await errorOf('t.json', text), text).to.match(says)
      const latin = Buffer.from('[{"a":"\xe9"}]', 'latin1')
      const read = (path: string) => userError(() => collect(readRows(path)))
      expect(await withFile('t.json', latin, read)).to.match(/are not UTF-8 text/)
      const endless = `[{"a":1},{"a":"${'x'.repeat(2 ** 24 + 2 ** 18)}`
      expect(await withFile('t.json', endless, read)).to.match(/row 2: it is longer than 16777216 characters/)
    })

    it('cuts an array at its own commas, wherever the blocks of the file end', async () => {
      const value = () => fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' })
      const rows = fc.array(fc.dictionary(fc.string({ unit: 'binary' }), value()), {
        minLength: 1,
        maxLength: 4,
      })
      await fc.assert(
        fc.asyncProperty(rows, fc.nat(70), async (rows, before) => {
          // Blocks have 2^18 bytes, so that the second row is where one ends.
          const long = { text: 'é"\\'.repeat((2 ** 18 - before) / 6) }
          const all = [long, ...rows]
          expect(await rowsOf('t.json', JSON.stringify(all, null, before % 3))).to.deep.equal(
            JSON.parse(JSON.stringify(all)),
          )
        }),
        { numRuns: 50 },
      )
    })

    it('holds no more of a large file than an element', async function () {
      const row = `${JSON.stringify({ text: 'word '.repeat(20_000) })},\n`
      await withFolder(async (folder) => {
        const path = join(folder, 't.json')
        await writeFile(path, ['[', ...Array.from({ length: 3000 }, () => row), '{}]'])
        const before = process.memoryUsage().rss
        let [count, most] = [0, 0]
        for await (const one of readRows(path)) {
          if ('text' in one) count++
          most = Math.max(most, process.memoryUsage().rss)
        }
        expect(count).to.equal(3000)
        expect((most - before) / 1e6).to.be.lessThan(200)
      })
    })
  })

  describe('JSON Lines', () => {
    it('keeps types and skips blank lines', async () => {
      const text = '{"a":1,"b":[true,null]}\n\n{"a":"x","c":{"d":2}}'
      expect(await rowsOf('t.jsonl', text)).to.deep.equal([
        { a: 1, b: [true, null] },
        { a: 'x', c: { d: 2 } },
      ])
    })

    it('keeps every digit of integers that JavaScript rounds, and touches no string', async () => {
      const line = String.raw`{"a":9007199254740993,"b":[-12345678901234567890],"c":"\"9007199254740993","d":12.5,"12345678901234567":1}`
      const expected = {
        a: '9007199254740993',
        b: ['-12345678901234567890'],
        c: '"9007199254740993',
        d: 12.5,
        '12345678901234567': 1,
      }
      expect(await rowsOf('t.jsonl', line)).to.deep.equal([expected])
      expect(await rowsOf('t.json', `[${line}]`)).to.deep.equal([expected])
      expect(await rowsOf('t.jsonl', '{"a":9007199254740991,"b":1e300}')).to.deep.equal([
        { a: 9007199254740991, b: 1e300 },
      ])
    })

    it('keeps every digit past 2^53, with a point or an exponent too, and refuses what no number holds', async () => {
      const digits = '9'.repeat(500)
      const line = `{"a":12345678901234567.5,"b":123456789012345678e2,"c":${digits},"d":1e+20,"e":12345678901234567000,"f":0.1234567890123456789,"g":1.5E300,"h":1e-400}`
      expect(await rowsOf('t.jsonl', line)).to.deep.equal([
        {
          a: '12345678901234567.5',
          b: '123456789012345678e2',
          c: digits,
          d: 1e20,
          e: 12345678901234567000,
          f: 0.12345678901234568,
          g: 1.5e300,
          h: 0,
        },
      ])
      expect(await errorOf('t.jsonl', '{"a":1}\n{"a":-1e400}\n')).to.match(
        /line 2: .*-1e400 is larger than any/,
      )
      expect(await errorOf('t.json', '[{"a":1e400}]')).to.match(/row 1: .*1e400 is larger than any/)
      expect(await errorOf('t.jsonl', '{"a":0012345678901234567890}')).to.match(/not valid JSON/)
    })

    it('takes a string with half a character for a damaged row', async () => {
      for (const text of ['a\\ud83db', 'a\\uDE00', '\\udd8a\\ud83e'])
        for (const row of [`{"a":"${text}"}`, `{"b":[{"${text}":1}]}`]) {
          expect(await errorOf('t.jsonl', `{"a":1}\n${row}\n`)).to.match(
            /line 2: .*a string holds half a char/,
          )
          expect(await errorOf('t.json', `[{"a":1},${row}]`)).to.match(
            /row 2: a string holds half a character, \\u/,
          )
        }
      expect(await rowsOf('t.jsonl', '{"a":"\\ud83e\\udd8a \\\\ud83e"}')).to.deep.equal([{ a: '🦊 \\ud83e' }])
      const left: string[] = []
      const rows = await withFile('t.jsonl', '{"a":"\\ud83e"}\n{"a":1}\n', (path) =>
        collect(readRows(path, {}, ({ message }) => left.push(message))),
      )
      expect([rows.length, left.length]).to.deep.equal([1, 1])
    })

    it("reads Python's NaN and Infinity as missing, but within strings", async () => {
      expect(await rowsOf('t.jsonl', '{"a":NaN,"b":[-Infinity,1],"c":"NaN: Infinity"}')).to.deep.equal([
        { a: null, b: [null, 1], c: 'NaN: Infinity' },
      ])
    })

    it('takes the last value of a name that stands twice', async () => {
      expect(await rowsOf('t.jsonl', '{"a":1,"b":2,"a":3}\n')).to.deep.equal([{ a: 3, b: 2 }])
    })

    it('names the line of what is no JSON object', async () => {
      expect(await errorOf('t.jsonl', '{"a":1}\n{"a":\n')).to.match(/line 2: not valid JSON/)
      expect(await errorOf('t.jsonl', '{"a":1}\n\n[1]\n')).to.match(/line 3: an array where a JSON object/)
      expect(await errorOf('t.jsonl', 'null\n')).to.match(/line 1: null where/)
      expect(await errorOf('t.jsonl', '\n\n')).to.match(/is empty/)
      expect(await errorOf('t.jsonl', '{"a":1}\n{"b":1}\n', { required: ['a'] })).to.match(
        /row 2: there is no column "a"; there are b/,
      )
    })

    it('gives back what was written (property)', async () => {
      const row = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }))
      await fc.assert(
        fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 20 }), async (rows) => {
          const text = rows.map((value) => JSON.stringify(value) + '\n').join('')
          expect(await rowsOf('t.jsonl', text)).to.deep.equal(
            text
              .trim()
              .split('\n')
              .map((line) => JSON.parse(line) as unknown),
          )
        }),
        { numRuns: 100 },
      )
    })
  })

  it('meets random bytes with rows or a UserError, nothing else (property)', async () => {
    const soup = fc.array(fc.constantFrom('"', ',', '\n', '\r', '\t', '{', '}', '[', '1', 'é', '\\', ' '))
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      soup.map((parts) => new TextEncoder().encode(parts.join(''))),
    )
    const formats = fc.constantFrom('t.csv', 't.tsv', 't.jsonl', 't.parquet')
    await fc.assert(
      fc.asyncProperty(bytes, formats, async (content, name) => {
        await rowsOf(name, content).catch((error: unknown) => expect(error).to.be.instanceOf(UserError))
      }),
      { numRuns: 400 },
    )
  })
})
