import { expect } from 'chai'

import { readRows } from '../../src/data/sources/read_rows.ts'
import { collect, userError, withFile } from './helpers.ts'

/** Thrift's compact protocol, as far as Parquet's headers need it: numbers, names, structs and lists of them. */
type Thrift = number | string | { readonly [field: number]: Thrift } | readonly Thrift[]

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))]
}

const isList = (value: Thrift): value is readonly Thrift[] => Array.isArray(value)

function typeOf(value: Thrift, wide: boolean): number {
  if (typeof value === 'number') return wide ? 6 : 5
  if (typeof value === 'string') return 8
  return isList(value) ? 9 : 12
}

/** @param wide whether numbers are of 64 bits, which is for the fields that Parquet has so */
function thrift(value: Thrift, wide: readonly number[] = []): number[] {
  if (typeof value === 'number') return varint(value < 0 ? -2 * value - 1 : 2 * value)
  if (typeof value === 'string') return [...varint(value.length), ...Buffer.from(value)]
  if (isList(value))
    return [16 * value.length + typeOf(value[0]!, false), ...value.flatMap((one) => thrift(one, wide))]
  let before = 0
  const fields = Object.entries(value).flatMap(([id, field]) => {
    const bytes = [
      16 * (Number(id) - before) + typeOf(field, wide.includes(Number(id))),
      ...thrift(field, wide),
    ]
    before = Number(id)
    return bytes
  })
  return [...fields, 0]
}

const [INT32, BYTE_ARRAY] = [1, 6]
const [NONE, GZIP] = [0, 2]
const [REQUIRED, OPTIONAL] = [0, 1]
const [PLAIN, RLE, DELTA_BINARY_PACKED, DELTA_BYTE_ARRAY, RLE_DICTIONARY] = [0, 3, 5, 7, 8]

interface Column {
  /** Each with its header. */
  readonly pages: readonly (readonly number[])[]
  readonly rows: number
  readonly type?: number
  readonly codec?: number
  readonly repetition?: number
  /** How many columns it says that it has within. */
  readonly children?: number
}

/** A file of one column. */
function parquet({
  pages,
  rows,
  type = BYTE_ARRAY,
  codec = NONE,
  repetition = REQUIRED,
  children,
}: Column): Uint8Array {
  const body = pages.flat()
  const column = thrift(
    { 1: type, 2: [PLAIN], 3: ['text'], 4: codec, 5: rows, 6: body.length, 7: body.length, 9: 4 },
    [5, 6, 7, 9],
  )
  // A column chunk is {file_offset, meta_data}; a row group {columns, total_byte_size, num_rows}.
  const chunk = [0x26, ...thrift(4), 0x1c, ...column, 0]
  const group = [0x19, 0x1c, ...chunk, 0x16, ...thrift(body.length), 0x16, ...thrift(rows), 0]
  const named: Thrift = { 1: type, 3: repetition, 4: 'text' }
  const columns: readonly Thrift[] = [
    { 4: 'schema', 5: 1 },
    children === undefined ? named : { ...named, 5: children },
  ]
  const schema = columns.flatMap((one) => thrift(one))
  const footer = [0x15, ...thrift(1), 0x19, 0x2c, ...schema, 0x16, ...thrift(rows), 0x19, 0x1c, ...group, 0]
  const length = Buffer.alloc(4)
  length.writeUInt32LE(footer.length)
  return Buffer.concat([
    Buffer.from('PAR1'),
    Buffer.from(body),
    Buffer.from(footer),
    length,
    Buffer.from('PAR1'),
  ])
}

/** Pages that say that they unpack to so many bytes and values; they hold nothing. */
function bomb(count: number, bytes: number, values: number): Uint8Array {
  const page = thrift({ 1: 0, 2: bytes, 3: 0, 5: { 1: values, 2: PLAIN, 3: RLE, 4: RLE } })
  return parquet({ pages: Array.from({ length: count }, () => page), rows: count * values, codec: GZIP })
}

const VALUES = 10

const page = (encoding: number, content: readonly number[]): number[] => [
  ...thrift({ 1: 0, 2: content.length, 3: content.length, 5: { 1: VALUES, 2: encoding, 3: RLE, 4: RLE } }),
  ...content,
]

/** Of version 2, without nulls. */
const page2 = (encoding: number, content: readonly number[]): number[] => [
  ...thrift({
    ...{ 1: 3, 2: content.length, 3: content.length },
    8: { 1: VALUES, 2: 0, 3: VALUES, 4: encoding, 5: 0, 6: 0 },
  }),
  ...content,
]

const run = (length: number): number[] => varint(2 * length)
const packedRun = (groups: number): number[] => varint(2 * groups + 1)

/** Deltas that are all the same: 128 values in a block, 4 miniblocks, so many in all; the first value; one delta, no bits. */
const deltas = (count: number, first: number, delta: number): number[] => [
  ...varint(128),
  ...[4, ...varint(count), ...varint(2 * first), ...varint(2 * delta)],
  ...[0, 0, 0, 0],
]

const endless: readonly [what: string, column: Omit<Column, 'rows'>, says: RegExp][] = [
  [
    'a run of levels',
    { pages: [page(PLAIN, [6, 0, 0, 0, ...run(2 ** 30), 1])], repetition: OPTIONAL },
    /a run of 1073741824 where 10 values are left/,
  ],
  [
    'a run after others',
    { pages: [page(PLAIN, [9, 0, 0, 0, ...run(4), 1, ...run(2 ** 29), 1])], repetition: OPTIONAL },
    /a run of 536870912 where 6 values are left/,
  ],
  [
    'a run of entries of a dictionary',
    { pages: [page(RLE_DICTIONARY, [1, ...run(2 ** 30), 0])] },
    /a run of 1073741824 where 10/,
  ],
  [
    'bits of no width',
    { pages: [page2(RLE_DICTIONARY, [0, ...packedRun(2 ** 30)])] },
    /a run of 8589934592 where 10/,
  ],
  [
    'blocks of deltas of negative length',
    {
      pages: [
        page(DELTA_BINARY_PACKED, [
          ...varint(2 ** 32 - 32),
          1,
          VALUES,
          0,
          0,
          8,
          ...Array<number>(64).fill(0),
        ]),
      ],
      type: INT32,
    },
    /deltas of 10 values where there are 10/,
  ],
  [
    'beginnings that no value has',
    {
      pages: [
        page(DELTA_BYTE_ARRAY, [
          ...deltas(VALUES, 0, 1e9),
          ...deltas(VALUES, 1, 0),
          ...Array<number>(10).fill(97),
        ]),
      ],
    },
    /a value that begins with 1000000000 bytes of the one before, which has 1/,
  ],
  [
    'a column of minus one columns',
    { pages: [page(PLAIN, [])], children: -1 },
    /is not a Parquet file that can be read/,
  ],
]

describe('a small Parquet file that unpacks to a large one', () => {
  it('is refused by what its pages promise', () =>
    withFile('bomb.parquet', bomb(40, 100e6, 1), async (path) => {
      expect(await userError(() => collect(readRows(path)))).to.match(
        /unpacks to more than 800 MB; give it fewer rows/,
      )
    }))

  it('is refused by the values that they promise', () =>
    withFile('bomb.parquet', bomb(1, 10, 2 ** 40), async (path) => {
      expect(await userError(() => collect(readRows(path)))).to.match(/cannot be read|can be read/)
    }))

  for (const [what, column, says] of endless)
    it(`is refused for ${what}, soon`, () =>
      withFile('endless.parquet', parquet({ ...column, rows: VALUES }), async (path) => {
        const before = performance.now()
        expect(await userError(() => collect(readRows(path)))).to.match(says)
        expect(performance.now() - before).to.be.lessThan(1000)
      }))

  it('is refused for values that repeat each other’s beginnings', async () => {
    // Each value is the one before and a byte more: n values take n²/2 bytes.
    const count = 60_000
    const content = [...deltas(count, 0, 1), ...deltas(count, 1, 0)]
    // Blocks of 128 deltas: the first block stands above, and the others repeat its head without the counts.
    const blocks = Math.ceil((count - 1) / 128) - 1
    const [prefixes, suffixes] = [1, 0].map((delta) =>
      Array.from({ length: blocks }, () => [...varint(2 * delta), 0, 0, 0, 0]).flat(),
    ) as [number[], number[]]
    const half = content.length / 2
    const all = [
      ...[...content.slice(0, half), ...prefixes],
      ...[...content.slice(half), ...suffixes],
      ...Array<number>(count).fill(97),
    ]
    const header = thrift({
      1: 0,
      2: all.length,
      3: all.length,
      5: { 1: count, 2: DELTA_BYTE_ARRAY, 3: RLE, 4: RLE },
    })
    await withFile(
      'repeated.parquet',
      parquet({ pages: [[...header, ...all]], rows: count }),
      async (path) => {
        expect(await userError(() => collect(readRows(path)))).to.match(/unpacks to more than 800 MB/)
      },
    )
  })
})
