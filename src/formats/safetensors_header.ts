/**
 * The header of a safetensors file, which may be hostile: nothing in it is believed before it is checked.
 *
 * A file is the header's length (8 bytes, little-endian), the header (JSON: name to dtype, shape and data_offsets, which
 * count from the end of the header), then the tensors' bytes with neither holes nor overlaps. Source: the format
 * description of huggingface/safetensors.
 * @module
 */
import { sizeOf } from '../../graphs/ir/shape.ts'
import { UserError } from '../errors.ts'
import { findJsonFault } from './json_structure.ts'
import { quote } from '../quote.ts'

/** Where one tensor lies in its file. */
export interface TensorEntry {
  /** The format's own name: F32, F16, BF16, I64 … */
  readonly dtype: string
  readonly shape: readonly number[]
  /** First byte, counted from the start of the file. */
  readonly offset: number
  /** Bytes. */
  readonly length: number
}

export interface SafetensorsHeader {
  /** By name, in the order in which they lie in the file. */
  readonly tensors: ReadonlyMap<string, TensorEntry>
  readonly metadata: Readonly<Record<string, string>>
}

export const bytesPerElement: ReadonlyMap<string, number> = new Map([
  ...['BOOL', 'U8', 'I8', 'F8_E5M2', 'F8_E4M3', 'F8_E8M0'].map((dtype) => [dtype, 1] as const),
  ...['U16', 'I16', 'F16', 'BF16'].map((dtype) => [dtype, 2] as const),
  ...['U32', 'I32', 'F32'].map((dtype) => [dtype, 4] as const),
  ...['U64', 'I64', 'F64', 'C64'].map((dtype) => [dtype, 8] as const),
])

/** The reference implementation's limit. */
const longestHeader = 100_000_000

/** Tensors of one file; the largest models have some ten thousand. */
const mostTensors = 100_000

/** The format needs three levels: the table, a tensor, its shape. */
const deepestHeader = 8

/**
 * Checks the beginning of a safetensors file and says where its tensors lie.
 * @param bytes The file's first bytes, at least the whole header.
 * @param fileSize Size of the whole file.
 * @param where What errors call the file.
 * @throws UserError naming the file, and the tensor where it is one tensor's fault.
 */
export function parseSafetensorsHeader(
  bytes: Uint8Array,
  fileSize: number,
  where: string,
): SafetensorsHeader {
  const headerLength = readHeaderLength(bytes, fileSize, where)
  if (bytes.length < 8 + headerLength) throw broken(where, 'it ends inside its header')
  const header = parseHeaderJson(bytes.subarray(8, 8 + headerLength), where)

  const dataStart = 8 + headerLength
  const metadata = checkMetadata(header['__metadata__'], where)
  const count = Object.keys(header).length
  if (count > mostTensors)
    throw broken(where, `it has ${count} tensors, more than the ${mostTensors} allowed`)
  const entries = Object.entries(header)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, value]) => [name, checkEntry(name, value, dataStart, fileSize, where)] as const)
    .sort(([, a], [, b]) => a.offset - b.offset || a.length - b.length)

  let end = dataStart
  for (const [name, entry] of entries) {
    const tensor = quote(name)
    if (entry.offset < end) throw broken(where, `tensor ${tensor} overlaps the one before it`)
    if (entry.offset > end)
      throw broken(
        where,
        `there are ${entry.offset - end} bytes before tensor ${tensor} that belong to no tensor`,
      )
    end = entry.offset + entry.length
  }
  if (end !== fileSize) throw broken(where, `its last ${fileSize - end} bytes belong to no tensor`)
  return { tensors: new Map(entries), metadata }
}

/** The header's length, which must fit in the file. */
export function readHeaderLength(bytes: Uint8Array, fileSize: number, where: string): number {
  if (fileSize < 8 || bytes.length < 8) throw broken(where, `it has only ${fileSize} bytes`)
  const begin = String.fromCharCode(...bytes.subarray(0, 8))
  if (begin === 'version ')
    throw new UserError(
      `${where} is a pointer of Git LFS in place of the file; fetch that with: git lfs pull`,
    )
  if (begin.startsWith('<')) throw broken(where, 'it is a page of the web')
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true)
  if (length > longestHeader)
    throw broken(where, `it announces a header of ${length} bytes, more than the ${longestHeader} allowed`)
  if (length > fileSize - 8)
    throw broken(
      where,
      `it announces a header of ${length} bytes but has only ${fileSize - 8} after its length`,
    )
  return Number(length)
}

function parseHeaderJson(bytes: Uint8Array, where: string): Record<string, unknown> {
  let header: unknown
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    const fault = findJsonFault(text, deepestHeader)
    if (fault) throw broken(where, `its header ${fault}`)
    header = JSON.parse(text)
  } catch (error) {
    throw error instanceof UserError ? error : broken(where, 'its header is not JSON')
  }
  if (!isObject(header)) throw broken(where, 'its header is not a JSON object')
  return header
}

function checkMetadata(value: unknown, where: string): Record<string, string> {
  if (value === undefined) return {}
  if (!isObject(value) || !Object.values(value).every((text) => typeof text === 'string'))
    throw broken(where, 'its __metadata__ is not a table of texts')
  return value as Record<string, string>
}

function checkEntry(
  name: string,
  value: unknown,
  dataStart: number,
  fileSize: number,
  where: string,
): TensorEntry {
  const wrong = (what: string) => broken(where, `tensor ${quote(name)} ${what}`)
  if (!isObject(value)) throw wrong('is not described by an object')
  const { dtype, shape, data_offsets: offsets } = value
  const size = typeof dtype === 'string' ? bytesPerElement.get(dtype) : undefined
  if (typeof dtype !== 'string' || size === undefined) throw wrong(`has the unknown dtype ${quote(dtype)}`)
  if (!isCounts(shape)) throw wrong(`has no valid shape but ${quote(shape)}`)
  if (!isCounts(offsets) || offsets.length !== 2)
    throw wrong(`has no valid data_offsets but ${quote(offsets)}`)
  const [begin, end] = offsets as [number, number]
  if (begin > end) throw wrong(`ends at byte ${end}, before its beginning at ${begin}`)
  if (end > fileSize - dataStart)
    throw wrong(
      `reaches to byte ${end} of the data, which has only ${fileSize - dataStart}: the file is truncated`,
    )
  const length = size * sizeOf(shape)
  if (length !== end - begin)
    throw wrong(`has ${end - begin} bytes where ${dtype} ${quote(shape)} needs ${length}`)
  return { dtype: dtype, shape, offset: dataStart + begin, length }
}

/** The sentence for a file that is not what it should be. */
export function broken(where: string, what: string): UserError {
  return new UserError(`${where} is not a sound safetensors file: ${what}; copy or save it again`)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0)
}
