/**
 * Reads encoded data sets row by row, straight from the file: only the rows' lengths and
 * offsets stay in memory (8 bytes a row).
 * Nothing in the file is trusted: every offset is checked when it is opened, every token id when its row is read.
 * @module
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

import { UserError } from '../errors.ts'
import { unreadable } from '../formats/read_file.ts'
import { COLUMNS, factsOf } from './arrow_format.ts'
import type { ArrowFacts } from './arrow_format.ts'
import { parseBatchHeader, parseFooter } from './arrow_metadata.ts'
import type { Block, Footer } from './arrow_metadata.ts'
import { NO_LOSS } from './encode.ts'
import type { EncodedExample } from './encode.ts'

export interface ArrowDataset extends ArrowFacts {
  /** Rows. */
  readonly size: number
  /** Tokens of each row. */
  readonly lengths: Int32Array
  /** Reads one row from the file. Throws UserError where it holds impossible tokens or cannot be read. */
  row(index: number): EncodedExample
  close(): void
}

/** Where the rows of one record batch are: the file positions of its value buffers, and its rows' offsets in them. */
interface Batch {
  readonly firstRow: number
  readonly offsets: Int32Array
  readonly values: Readonly<Record<(typeof COLUMNS)[number], number>>
}

const MAGIC = 'ARROW1'
const MAX_METADATA_BYTES = 2 ** 24

type ReadAt = (position: number, length: number) => Uint8Array<ArrayBuffer>

/** Reads exactly `length` bytes, and never beyond the file's end. */
function readerOf(fd: number, fileBytes: number): ReadAt {
  return (position, length) => {
    if (!(position >= 0 && length >= 0 && position + length <= fileBytes)) throw new Error('it ends early')
    const bytes = new Uint8Array(length)
    let done = 0
    while (done < length) {
      const read = readSync(fd, bytes, done, length - done, position + done)
      if (read === 0) throw new Error('it ends early')
      done += read
    }
    return bytes
  }
}

function readFooter(readAt: ReadAt, fileBytes: number): Footer {
  const ascii = (bytes: Uint8Array): string => String.fromCharCode(...bytes)
  const tail = readAt(fileBytes - 10, 10)
  if (ascii(readAt(0, 6)) !== MAGIC || ascii(tail.subarray(4)) !== MAGIC) {
    throw new Error('it does not begin and end as an Arrow file')
  }
  const length = new DataView(tail.buffer).getInt32(0, true)
  if (!(length > 0 && length <= MAX_METADATA_BYTES)) throw new Error(`a footer of ${length} bytes`)
  return parseFooter(readAt(fileBytes - 10 - length, length))
}

/** Row offsets into a value buffer: they begin at 0, never fall, and stay within the buffer and the maximum length. */
function readOffsets(readAt: ReadAt, position: number, rows: number, values: number, longest: number): Int32Array {
  const offsets = new Int32Array(readAt(position, 4 * (rows + 1)).buffer)
  if (offsets[0] !== 0 || offsets[rows]! > values) throw new Error('its row offsets are wrong')
  for (let i = 0; i < rows; i++) {
    const length = offsets[i + 1]! - offsets[i]!
    if (length < 1 || length > longest) throw new Error(`a row of ${length} tokens`)
  }
  return offsets
}

/** Buffers of a list<int32> column: validity of the lists, offsets, validity of the values, values. */
const BUFFERS_PER_COLUMN = 4
const NODES_PER_COLUMN = 2

/** Reads where a record batch's rows are. Its header follows a continuation mark (0xFFFFFFFF) and a length. */
function readBatch(readAt: ReadAt, block: Block, firstRow: number, longest: number): Batch {
  const { offset, headerBytes, bodyBytes } = block
  if (!(headerBytes > 8 && headerBytes <= MAX_METADATA_BYTES)) throw new Error(`a header of ${headerBytes} bytes`)
  const { nodes, buffers } = parseBatchHeader(readAt(offset, headerBytes).subarray(8))
  const body = offset + headerBytes
  const rows = nodes[0]?.length ?? -1
  if (nodes.length !== COLUMNS.length * NODES_PER_COLUMN || buffers.length !== COLUMNS.length * BUFFERS_PER_COLUMN) {
    throw new Error('a record batch of another shape')
  }
  if (nodes.some(({ nulls }) => nulls !== 0)) throw new Error('it has empty values')

  const columns = COLUMNS.map((_, c) => {
    const [list, item] = nodes.slice(c * NODES_PER_COLUMN)
    const [, offsets, , values] = buffers.slice(c * BUFFERS_PER_COLUMN)
    const inside = [offsets!, values!].every((b) => b.offset >= 0 && b.length >= 0 && b.offset + b.length <= bodyBytes)
    if (!inside || list!.length !== rows || values!.length < 4 * item!.length || offsets!.length < 4 * (rows + 1)) {
      throw new Error('a record batch whose buffers do not fit')
    }
    return {
      offsets: readOffsets(readAt, body + offsets!.offset, rows, item!.length, longest),
      values: body + values!.offset,
    }
  })
  const [ids, labels] = columns as [(typeof columns)[0], (typeof columns)[0]]
  if (ids.offsets.some((offset, i) => offset !== labels.offsets[i])) {
    throw new Error('input_ids and labels of different lengths')
  }
  return { firstRow, offsets: ids.offsets, values: { input_ids: ids.values, labels: labels.values } }
}

function readBatches(readAt: ReadAt, footer: Footer, longest: number): Batch[] {
  const batches: Batch[] = []
  let [firstRow, end] = [0, 0]
  for (const block of footer.blocks) {
    // In order and apart, so that what is read adds up to no more than the file.
    if (block.offset < end) throw new Error('record batches that overlap')
    end = block.offset + block.headerBytes + block.bodyBytes
    const batch = readBatch(readAt, block, firstRow, longest)
    batches.push(batch)
    firstRow += batch.offsets.length - 1
  }
  return batches
}

/** The batch that holds a row, by bisection. */
function batchOf(batches: readonly Batch[], row: number): Batch {
  let [low, high] = [0, batches.length - 1]
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (batches[middle]!.firstRow <= row) low = middle
    else high = middle - 1
  }
  return batches[low]!
}

/**
 * Opens a data set that `prepare` wrote. Close it when done.
 *
 * @throws UserError where the file is missing, truncated, of another kind, or contradicts itself.
 */
export function openArrowDataset(path: string): ArrowDataset {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch (error) {
    throw unreadable(path, error)
  }
  try {
    return readDataset(path, fd)
  } catch (error) {
    closeSync(fd)
    const reason = (error as Error).message
    throw new UserError(`${path} is not an encoded data set that can be read (${reason}); prepare it again`)
  }
}

function readDataset(path: string, fd: number): ArrowDataset {
  const fileBytes = fstatSync(fd).size
  const readAt = readerOf(fd, fileBytes)
  const footer = readFooter(readAt, fileBytes)
  const facts = factsOf(footer)
  const batches = readBatches(readAt, footer, facts.maxLength)
  const lengths = new Int32Array(batches.reduce((rows, { offsets }) => rows + offsets.length - 1, 0))
  for (const { firstRow, offsets } of batches) {
    for (let i = 1; i < offsets.length; i++) lengths[firstRow + i - 1] = offsets[i]! - offsets[i - 1]!
  }

  const column = (name: (typeof COLUMNS)[number], row: number): Int32Array => {
    const batch = batchOf(batches, row)
    const offset = batch.offsets[row - batch.firstRow]!
    return new Int32Array(readAt(batch.values[name] + 4 * offset, 4 * lengths[row]!).buffer)
  }
  const isToken = (id: number): boolean => id >= 0 && id < facts.vocabularySize
  return {
    ...facts,
    size: lengths.length,
    lengths,
    row(index) {
      if (!(index >= 0 && index < lengths.length)) throw new RangeError(`row ${index} of ${lengths.length}`)
      const example = { input_ids: column('input_ids', index), labels: column('labels', index) }
      const { input_ids, labels } = example
      if (!input_ids.every(isToken) || !labels.every((id) => id === NO_LOSS || isToken(id))) {
        throw new UserError(
          `${path}, row ${index}: a token id outside of the vocabulary of ${facts.vocabularySize}; prepare the data again`,
        )
      }
      return example
    },
    close: () => closeSync(fd),
  }
}
