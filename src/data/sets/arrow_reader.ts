/**
 * Reads encoded data sets row by row, wherever their bytes are: only the rows' lengths and offsets stay in memory (8 bytes a
 * row, of pairs 12). Nothing in the bytes is trusted: every offset is checked at once, every token id when its row is read.
 * @module
 */
import { UserError } from '../../errors.ts'
import { columnsOf, factsOf, MAGIC } from './arrow_format.ts'
import type { ArrowFacts, ColumnName } from './arrow_format.ts'
import { parseBatchHeader, parseFooter } from './arrow_metadata.ts'
import type { Block, Footer } from './arrow_metadata.ts'
import { NO_LOSS } from '../examples/encode.ts'
import type { EncodedExample } from '../examples/encode.ts'
import type { DataSet } from './data_set.ts'
import type { Layout } from './layouts.ts'

/** Where the rows of a column's part are: the file position of its values, and its rows' offsets in them. */
interface Values {
  readonly position: number
  readonly offsets: Int32Array
}

/** Where the rows of one record batch are. */
interface Batch {
  readonly firstRow: number
  readonly columns: Readonly<Partial<Record<ColumnName, Values>>> & Readonly<Record<'input_ids', Values>>
}

const MAX_METADATA_BYTES = 2 ** 24

/** Bytes of a known number, such as a file's. */
export interface ByteSource {
  /** What errors call it. */
  readonly name: string
  readonly size: number
  /** Copies `length` bytes from `position` on. Throws Error where there are fewer. */
  readonly readAt: (position: number, length: number) => Uint8Array<ArrayBuffer>
  close(): void
}

/** Bytes in memory. */
export const bytesInMemory = (name: string, bytes: Uint8Array<ArrayBuffer>): ByteSource => ({
  name,
  size: bytes.length,
  readAt: (position, length) => bytes.slice(position, position + length),
  close: () => undefined,
})

type ReadAt = ByteSource['readAt']

/** Reads never beyond the end. */
const within =
  ({ size, readAt }: ByteSource): ReadAt =>
  (position, length) => {
    if (!(position >= 0 && length >= 0 && position + length <= size)) throw new Error('it ends early')
    return readAt(position, length)
  }

function readFooter(readAt: ReadAt, fileBytes: number): Footer {
  const ascii = (bytes: Uint8Array): string => String.fromCharCode(...bytes)
  if (fileBytes < 20) throw new Error(`it has only ${fileBytes} bytes`)
  const tail = readAt(fileBytes - 10, 10)
  if (ascii(readAt(0, 6)) !== MAGIC || ascii(tail.subarray(4)) !== MAGIC) {
    throw new Error('it does not begin and end as an Arrow file')
  }
  const length = new DataView(tail.buffer).getInt32(0, true)
  if (!(length > 0 && length <= MAX_METADATA_BYTES)) throw new Error(`a footer of ${length} bytes`)
  return parseFooter(readAt(fileBytes - 10 - length, length))
}

/** Row offsets into a value buffer: they begin at 0, never fall, and stay within the buffer and the maximum length. */
function readOffsets(
  readAt: ReadAt,
  position: number,
  rows: number,
  values: number,
  longest: number,
): Int32Array {
  const offsets = new Int32Array(readAt(position, 4 * (rows + 1)).buffer)
  if (offsets[0] !== 0 || offsets[rows]! > values) throw new Error('its row offsets are wrong')
  for (let i = 0; i < rows; i++) {
    const length = offsets[i + 1]! - offsets[i]!
    if (length < 1 || length > longest) throw new Error(`a row of ${length} tokens`)
  }
  return offsets
}

/** Buffers of a list<int32> or list<float32> column: validity of the lists, offsets, validity of the values, values. */
const BUFFERS_PER_COLUMN = 4
const NODES_PER_COLUMN = 2

/** Reads where a record batch's rows are. Its header follows a continuation mark (0xFFFFFFFF) and a length. */
function readBatch(readAt: ReadAt, block: Block, firstRow: number, facts: ArrowFacts): Batch {
  const { offset, headerBytes, bodyBytes } = block
  const { maxLength, classes, layout } = facts
  const names = columnsOf(layout).map(({ name }) => name)
  if (!(headerBytes > 8 && headerBytes <= MAX_METADATA_BYTES))
    throw new Error(`a header of ${headerBytes} bytes`)
  const { nodes, buffers } = parseBatchHeader(readAt(offset, headerBytes).subarray(8))
  const body = offset + headerBytes
  const rows = nodes[0]?.length ?? -1
  if (
    nodes.length !== names.length * NODES_PER_COLUMN ||
    buffers.length !== names.length * BUFFERS_PER_COLUMN
  ) {
    throw new Error('a record batch of another shape')
  }
  if (nodes.some(({ nulls }) => nulls !== 0)) throw new Error('it has empty values')

  const [input_ids, labels, figure] = names.map((name, c): Values => {
    const [list, item] = nodes.slice(c * NODES_PER_COLUMN)
    const [, offsets, , values] = buffers.slice(c * BUFFERS_PER_COLUMN)
    const inside = [offsets!, values!].every(
      (b) => b.offset >= 0 && b.length >= 0 && b.offset + b.length <= bodyBytes,
    )
    if (
      !inside ||
      list!.length !== rows ||
      values!.length < 4 * item!.length ||
      offsets!.length < 4 * (rows + 1)
    ) {
      throw new Error('a record batch whose buffers do not fit')
    }
    const single = name === layout.figure?.name || (name === 'labels' && classes.length > 0)
    return {
      position: body + values!.offset,
      offsets: readOffsets(readAt, body + offsets!.offset, rows, item!.length, single ? 1 : maxLength),
    }
  }) as [Values, Values, Values?]
  if (classes.length > 0) return { firstRow, columns: { input_ids, labels } }
  if (input_ids.offsets.some((offset, i) => offset !== labels.offsets[i])) {
    throw new Error('input_ids and labels of different lengths')
  }
  const columns = { input_ids, labels: { ...labels, offsets: input_ids.offsets } }
  return { firstRow, columns: figure ? { ...columns, [layout.figure!.name]: figure } : columns }
}

function readBatches(readAt: ReadAt, footer: Footer, facts: ArrowFacts): Batch[] {
  const batches: Batch[] = []
  let [firstRow, end] = [0, 0]
  for (const block of footer.blocks) {
    // In order and apart, so that what is read adds up to no more than the file.
    if (block.offset < end) throw new Error('record batches that overlap')
    end = block.offset + block.headerBytes + block.bodyBytes
    const batch = readBatch(readAt, block, firstRow, facts)
    batches.push(batch)
    firstRow += rowsOf(batch)
  }
  return batches
}

const rowsOf = ({ columns }: Batch): number => columns.input_ids.offsets.length - 1

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
 * A data set in the bytes that {@link createArrowWriter} wrote. Close it when done; then the source is closed, too.
 *
 * @throws UserError where they are truncated, of another kind, or contradict themselves; the source is closed then
 */
export function readArrowDataset(source: ByteSource): DataSet {
  try {
    return readDataset(source)
  } catch (error) {
    source.close()
    const reason =
      error instanceof RangeError ? 'what it says of itself does not hold' : (error as Error).message
    throw new UserError(
      `${source.name} is not an encoded data set that can be read (${reason}); prepare it again`,
    )
  }
}

function readDataset(source: ByteSource): DataSet {
  const { name: path } = source
  const readAt = within(source)
  const footer = readFooter(readAt, source.size)
  const facts = factsOf(footer)
  const batches = readBatches(readAt, footer, facts)
  const lengths = new Int32Array(batches.reduce((rows, batch) => rows + rowsOf(batch), 0))
  const { noun, rowsPerExample, figure, check } = facts.layout
  if (lengths.length % rowsPerExample !== 0) throw new Error(`${lengths.length} rows, which make no ${noun}`)
  for (const { firstRow, columns } of batches) {
    const { offsets } = columns.input_ids
    for (let i = 1; i < offsets.length; i++) lengths[firstRow + i - 1] = offsets[i]! - offsets[i - 1]!
  }

  const column = (name: ColumnName, row: number): ArrayBuffer => {
    const batch = batchOf(batches, row)
    const { position, offsets } = batch.columns[name]!
    const [from, to] = offsets.subarray(row - batch.firstRow)
    return readAt(position + 4 * from!, 4 * (to! - from!)).buffer
  }
  const { classes, vocabularySize } = facts
  const isToken = (id: number): boolean => id >= 0 && id < vocabularySize
  const isLabel = (label: number): boolean =>
    classes.length > 0 ? label >= 0 && label < classes.length : label === NO_LOSS || isToken(label)

  function readRow(index: number): EncodedExample {
    const example = {
      input_ids: new Int32Array(column('input_ids', index)),
      labels: new Int32Array(column('labels', index)),
    }
    const [idsFit, labelsFit] = [example.input_ids.every(isToken), example.labels.every(isLabel)]
    if (idsFit && labelsFit)
      return figure ? figure.put(example, new Float32Array(column(figure.name, index))[0]!) : example
    const outside =
      idsFit && classes.length > 0
        ? `a label that is none of the ${classes.length} classes`
        : `a token id outside of the vocabulary of ${vocabularySize}`
    throw new UserError(`${path}, row ${index}: ${outside}; prepare the data again`)
  }

  /** The example that was read last: its rows are wanted one after the other. */
  let held: { readonly first: number; readonly rows: readonly EncodedExample[] } | undefined
  function readRowOfExample(index: number, check: NonNullable<Layout['check']>): EncodedExample {
    const first = index - (index % rowsPerExample)
    if (held?.first !== first) {
      const rows = Array.from({ length: rowsPerExample }, (_, i) => readRow(first + i))
      const wrong = check(rows)
      const where = rowsPerExample === 1 ? `row ${first}` : `rows ${first} and ${first + 1}`
      if (wrong !== undefined) throw new UserError(`${path}, ${where}: ${wrong}; prepare the data again`)
      held = { first, rows }
    }
    return held.rows[index - first]!
  }

  return {
    ...facts,
    size: lengths.length,
    lengths,
    row(index) {
      if (!(index >= 0 && index < lengths.length)) throw new RangeError(`row ${index} of ${lengths.length}`)
      return check ? readRowOfExample(index, check) : readRow(index)
    },
    close: () => source.close(),
  }
}
