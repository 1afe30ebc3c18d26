/**
 * The numbers within a Parquet page that say how many values follow, all of which hyparquet believes: lengths of runs and of
 * blocks. A few bytes may say any number.
 * Format: parquet.apache.org/docs/file-format/data-pages/encodings
 * @module
 */
import type { DataReader, PageHeader, SchemaTree } from 'hyparquet'
import { deltaBinaryUnpack } from 'hyparquet/src/delta.js'
import { readRleBitPackedHybrid } from 'hyparquet/src/encoding.js'
import { getMaxDefinitionLevel, getMaxRepetitionLevel } from 'hyparquet/src/schema.js'
import { readVarInt } from 'hyparquet/src/thrift.js'

/** A page, unpacked, and of which column it is. */
export interface Page {
  readonly header: PageHeader
  /** Levels, where the page has any, and values; of version 2 the values alone are packed. */
  readonly levels: Uint8Array
  readonly values: Uint8Array
  readonly schemaPath: SchemaTree[]
}

const readerOf = (bytes: Uint8Array): DataReader => ({
  view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  offset: 0,
})

/**
 * Walks the runs and blocks of a page.
 * @returns the bytes that its values take beyond those of the page, as where they repeat the beginnings of others
 * @throws Error where there are more of them than the header says
 */
export function checkRuns({ header, levels, values, schemaPath }: Page): number {
  const { data_page_header: first, data_page_header_v2: second } = header
  const { num_values: count, encoding } = (first ?? second)!
  const most = {
    repetition: getMaxRepetitionLevel(schemaPath),
    definition: getMaxDefinitionLevel(schemaPath),
  }
  // Version 1 has levels and values in one, and writes the length of levels before them.
  const reader = readerOf(second ? levels : values)
  if (most.repetition > 0) levelsOf(reader, most.repetition, count, second?.repetition_levels_byte_length)
  const nulls =
    most.definition > 0 ? levelsOf(reader, most.definition, count, second?.definition_levels_byte_length) : 0
  return checkValues(second ? readerOf(values) : reader, encoding, count - nulls)
}

/** Reads levels. Returns how many are below the highest, which of definition is the number of nulls. */
function levelsOf(reader: DataReader, highest: number, count: number, given?: number): number {
  const length = given ?? reader.view.getUint32(reader.offset, true)
  const width = 32 - Math.clz32(highest)
  checkHybrid({ ...reader, offset: reader.offset + (given === undefined ? 4 : 0) }, width, count)
  const levels = new Array<number>(count)
  if (given === undefined) readRleBitPackedHybrid(reader, width, levels)
  else readRleBitPackedHybrid(reader, width, levels, length)
  return levels.reduce((nulls, level) => nulls + Number(level !== highest), 0)
}

/** Run lengths and bit packing by turns: a header h, then h/2 times one value where it is even, else 8·(h−1)/2 of them. */
function checkHybrid(reader: DataReader, width: number, count: number): void {
  for (let seen = 0; seen < count;) {
    const header = readVarInt(reader)
    const packed = header & 1
    const run = (header >>> 1) * (packed ? 8 : 1)
    // The last packed run is filled up to eight.
    if (run > count - seen + 7) throw new Error(`a run of ${run} where ${count - seen} values are left`)
    reader.offset += packed ? (run / 8) * width : Math.ceil(width / 8)
    seen += run
  }
}

function checkValues(reader: DataReader, encoding: string, count: number): number {
  switch (encoding) {
    case 'PLAIN_DICTIONARY':
    case 'RLE_DICTIONARY': {
      // A dictionary of one entry wants no bits, and no runs.
      if (reader.offset + 1 < reader.view.byteLength)
        checkHybrid({ ...reader, offset: reader.offset + 1 }, reader.view.getUint8(reader.offset), count)
      return 0
    }
    case 'RLE':
      checkHybrid({ ...reader, offset: reader.offset + 4 }, 1, count)
      return 0
    case 'DELTA_BINARY_PACKED':
    case 'DELTA_LENGTH_BYTE_ARRAY':
      checkDeltas(reader, count)
      return 0
    case 'DELTA_BYTE_ARRAY':
      return sharedBytes(lengthsOf(reader, count), lengthsOf(reader, count))
  }
  return 0
}

/** The head of a block of deltas: values in a block, miniblocks in a block, values in all. */
function checkDeltas({ view, offset }: DataReader, count: number): void {
  const reader = { view, offset }
  const [block, miniblocks, values] = [readVarInt(reader), readVarInt(reader), readVarInt(reader)]
  if (!(block > 0 && miniblocks > 0 && block % miniblocks === 0 && values === count))
    throw new Error(`deltas of ${values} values where there are ${count}`)
}

function lengthsOf(reader: DataReader, count: number): Int32Array {
  checkDeltas(reader, count)
  const lengths = new Int32Array(count)
  deltaBinaryUnpack(reader, count, lengths)
  return lengths
}

/** Of values that begin as the one before does: Σ of the lengths of these beginnings. */
function sharedBytes(prefixes: Int32Array, suffixes: Int32Array): number {
  let [bytes, before] = [0, 0]
  for (const [i, prefix] of prefixes.entries()) {
    if (!(prefix >= 0 && prefix <= before && suffixes[i]! >= 0))
      throw new Error(`a value that begins with ${prefix} bytes of the one before, which has ${before}`)
    bytes += prefix
    before = prefix + suffixes[i]!
  }
  return bytes
}
