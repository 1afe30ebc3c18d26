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
  if (typeof value === 'number') return varint(2 * value)
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

const [BYTE_ARRAY, PLAIN, RLE, GZIP, REQUIRED] = [6, 0, 3, 2, 0]

/** A file of one column, whose pages say that they unpack to so many bytes and values; they hold nothing. */
function bomb(pages: number, bytes: number, values: number): Uint8Array {
  const page = thrift({ 1: 0, 2: bytes, 3: 0, 5: { 1: values, 2: PLAIN, 3: RLE, 4: RLE } })
  const body = Array.from({ length: pages }, () => page).flat()
  const rows = pages * values
  const column = thrift(
    { 1: BYTE_ARRAY, 2: [PLAIN], 3: ['text'], 4: GZIP, 5: rows, 6: pages * bytes, 7: body.length, 9: 4 },
    [5, 6, 7, 9],
  )
  // A column chunk is {file_offset, meta_data}; a row group {columns, total_byte_size, num_rows}.
  const chunk = [0x26, ...thrift(4), 0x1c, ...column, 0]
  const group = [0x19, 0x1c, ...chunk, 0x16, ...thrift(body.length), 0x16, ...thrift(rows), 0]
  const columns: readonly Thrift[] = [
    { 4: 'schema', 5: 1 },
    { 1: BYTE_ARRAY, 3: REQUIRED, 4: 'text' },
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
})
