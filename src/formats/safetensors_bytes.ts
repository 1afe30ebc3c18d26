/**
 * Tensors from and to the bytes of a safetensors file, wherever these lie. The format is described in `safetensors_header.ts`.
 * Values are little-endian, as is every machine that runs Node or a browser.
 * @module
 */
import { sizeOf } from '../../graphs/ir/shape.ts'
import { NotFinite, UserError } from '../errors.ts'
import { quote } from '../quote.ts'
import type { OpenFile } from './byte_file.ts'
import { notFinite } from './finite.ts'
import type { FloatDtype, FloatTensor } from './float_tensor.ts'
import { narrowTensor, widen } from './half.ts'
import type { SafetensorsHeader, TensorEntry } from './safetensors_header.ts'
import { broken, bytesPerElement, parseSafetensorsHeader, readHeaderLength } from './safetensors_header.ts'

/** The bytes of a file. */
export interface FileBytes {
  readonly size: number
  /** A copy of as many bytes from `offset` on, in a buffer of its own; fewer are an error. */
  readonly read: (offset: number, length: number) => Promise<Uint8Array<ArrayBuffer>>
}

/** A file's bytes, which end within what it says of itself where there are fewer. */
export const wholeBytes = ({ size, read }: OpenFile, where: string): FileBytes => ({
  size,
  async read(offset, length) {
    const bytes = await read(offset, length)
    if (bytes.length < length)
      throw broken(where, `it ends at byte ${offset + bytes.length}, inside what its header announces`)
    return bytes
  },
})

/** What PyTorch's tools expect of a file that they are to open. */
export const TORCH_METADATA = { format: 'pt' }

/**
 * Reads and checks the header of a file, and nothing else of it.
 *
 * @param where what errors call the file
 */
export async function readHeader({ size, read }: FileBytes, where: string): Promise<SafetensorsHeader> {
  const length = readHeaderLength(await read(0, Math.min(8, size)), size, where)
  return parseSafetensorsHeader(await read(0, 8 + length), size, where)
}

/** Those of the tensors that lie in a file which are wanted, in this order; by default all. */
export function chooseEntries(
  { tensors }: SafetensorsHeader,
  names: Iterable<string> | undefined,
  where: string,
): Map<string, TensorEntry> {
  const wanted = new Map<string, TensorEntry>()
  for (const name of names ?? tensors.keys()) {
    const entry = tensors.get(name)
    if (!entry) throw new UserError(`${where} has no tensor ${quote(name)}; is it the file of another model?`)
    wanted.set(name, entry)
  }
  return wanted
}

/** Reads the tensors that lie at `entries`, as float32, keyed as `entries` is. F16 and BF16 are widened, which is exact. */
export async function readEntriesOf(
  { read }: FileBytes,
  entries: ReadonlyMap<string, TensorEntry>,
  where: string,
): Promise<Map<string, FloatTensor>> {
  const tensors = new Map<string, FloatTensor>()
  for (const [name, { dtype, shape, offset, length }] of entries) {
    if (dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16')
      throw new UserError(
        `${where}: tensor ${quote(name)} is ${dtype}; only F32, F16 and BF16 can be read, so save it as one of these`,
      )
    const bytes = await read(offset, length)
    const data =
      dtype === 'F32' ? new Float32Array(bytes.buffer) : widen(new Uint16Array(bytes.buffer), dtype)
    tensors.set(name, { shape, data })
  }
  return tensors
}

/**
 * The bytes of one tensor, as a file has them.
 *
 * @throws RangeError where the data do not fill the shape
 * @throws NotFinite naming the tensor where a number is not finite
 * @throws UserError naming it where a number is beyond the largest of `dtype`
 */
export function tensorBytes(name: string, { shape, data }: FloatTensor, dtype: FloatDtype): Uint8Array {
  if (data.length !== sizeOf(shape))
    throw new RangeError(`tensor ${name}: ${data.length} values do not fill [${shape.join(', ')}]`)
  const unsound = notFinite(data)
  if (unsound !== undefined)
    throw new NotFinite(`the tensor ${name} has values that are not finite (${unsound}), so it is not saved`)
  const stored = dtype === 'F32' ? data : narrowTensor(name, data, dtype)
  return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength)
}

/** The header's length and the header, padded with blanks to a multiple of 8 bytes. */
export function encodeHeader(
  tensors: ReadonlyMap<string, Pick<TensorEntry, 'dtype' | 'shape'>>,
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  let end = 0
  const entries = [...tensors].map(([name, { dtype, shape }]) => {
    if (name === '__metadata__') throw new RangeError('a tensor cannot be called __metadata__')
    const begin = end
    end += bytesPerElement.get(dtype)! * sizeOf(shape)
    return [name, { dtype, shape, data_offsets: [begin, end] }]
  })
  const json = JSON.stringify(Object.fromEntries([['__metadata__', metadata], ...entries]))
  const text = new TextEncoder().encode(json)
  const length = Math.ceil(text.length / 8) * 8
  const bytes = new Uint8Array(8 + length).fill(' '.charCodeAt(0))
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true)
  bytes.set(text, 8)
  return bytes
}

/**
 * A whole file of float32 tensors in memory, in pieces: byte for byte what is written to a disk.
 *
 * @throws as {@link tensorBytes} does
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, FloatTensor>,
  metadata: Readonly<Record<string, string>> = TORCH_METADATA,
): Uint8Array[] {
  const entries = new Map([...tensors].map(([name, { shape }]) => [name, { dtype: 'F32', shape }]))
  const pieces = [...tensors].map(([name, tensor]) => tensorBytes(name, tensor, 'F32'))
  return [encodeHeader(entries, metadata), ...pieces]
}
