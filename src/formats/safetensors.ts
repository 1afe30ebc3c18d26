/**
 * Safetensors files: reading tensors, and writing them one after the other, so that the whole never has to be in memory
 * at once. The format is described in `safetensors_header.ts`. Values are little-endian, as is every machine that runs Node.
 * @module
 */
import type { FileHandle } from 'node:fs/promises'
import { open } from 'node:fs/promises'

import { sizeOf } from '../../graphs/ir/shape.ts'
import { NotFinite, UserError } from '../errors.ts'
import { writeFileAtomic } from './atomic.ts'
import { notFinite } from './finite.ts'
import { narrowTensor, widen } from './half.ts'
import { quote } from '../quote.ts'
import { regularFile, unreadable } from './read_file.ts'
import type { SafetensorsHeader, TensorEntry } from './safetensors_header.ts'
import { broken, bytesPerElement, parseSafetensorsHeader, readHeaderLength } from './safetensors_header.ts'

export type { SafetensorsHeader, TensorEntry }
export { parseSafetensorsHeader }

/** A tensor in memory: row-major float32. */
export interface FloatTensor {
  readonly shape: readonly number[]
  readonly data: Float32Array
}

/** The types of weights, as the format calls them. */
export type FloatDtype = 'F32' | 'F16' | 'BF16'

/** What PyTorch's tools expect of a file that they are to open. */
const defaultMetadata = { format: 'pt' }

/** Reads and checks the header of a file, and nothing else of it. */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  return withFile(path, (file) => readHeader(file, path))
}

/**
 * Reads tensors as float32; F16 and BF16 are widened, which is exact.
 * @param names Which ones, in this order; all in the file's order when left out.
 * @throws UserError for a broken file, a name that is not in it, or a dtype that is none of the three.
 */
export async function readTensors(path: string, names?: Iterable<string>): Promise<Map<string, FloatTensor>> {
  return withFile(path, async (file) => {
    const { tensors } = await readHeader(file, path)
    const wanted = new Map<string, TensorEntry>()
    for (const name of names ?? tensors.keys()) {
      const entry = tensors.get(name)
      if (!entry)
        throw new UserError(`${path} has no tensor ${quote(name)}; is it the file of another model?`)
      wanted.set(name, entry)
    }
    return readAll(file, path, wanted)
  })
}

/** Reads the tensors that lie at `entries`, whatever the file calls them, keyed as `entries` is. */
export async function readEntries(
  path: string,
  entries: ReadonlyMap<string, TensorEntry>,
): Promise<Map<string, FloatTensor>> {
  return withFile(path, (file) => readAll(file, path, entries))
}

/**
 * Writes float32 tensors to a file, atomically, in the order of `tensors`. The data begin at a multiple of 8 bytes.
 * @throws RangeError where a tensor's data do not fill its shape.
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, FloatTensor>,
  metadata?: Readonly<Record<string, string>>,
): Promise<void> {
  const shapes = new Map([...tensors].map(([name, { shape }]) => [name, shape]))
  await streamSafetensors(path, shapes, (name) => tensors.get(name)!.data, metadata)
}

/**
 * As `writeSafetensors`, but asks for each tensor's data only when it is its turn to be written.
 * @throws NotFinite naming the tensor that has a number which is not finite; nothing is written then
 * @throws UserError naming the tensor that has a number beyond the largest of `dtype`; nothing is written then
 * @param shapes Names and shapes of all tensors, in the file's order.
 * @param dataOf Gives the data of one tensor, row-major.
 * @param dtype What the values are rounded to, or of each tensor by its name.
 */
export async function streamSafetensors(
  path: string,
  shapes: ReadonlyMap<string, readonly number[]>,
  dataOf: (name: string) => Float32Array | Promise<Float32Array>,
  metadata: Readonly<Record<string, string>> = defaultMetadata,
  dtype: FloatDtype | ((name: string) => FloatDtype) = 'F32',
): Promise<void> {
  const typeOf = typeof dtype === 'string' ? () => dtype : dtype
  const entries = new Map([...shapes].map(([name, shape]) => [name, { dtype: typeOf(name), shape }]))
  await streamEntries(path, entries, metadata, async (name) => {
    const shape = shapes.get(name)!
    const data = await dataOf(name)
    if (data.length !== sizeOf(shape))
      throw new RangeError(`tensor ${name}: ${data.length} values do not fill [${shape.join(', ')}]`)
    const unsound = notFinite(data)
    if (unsound !== undefined)
      throw new NotFinite(
        `the tensor ${name} has values that are not finite (${unsound}), so it is not saved`,
      )
    const type = typeOf(name)
    const stored = type === 'F32' ? data : narrowTensor(name, data, type)
    return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength)
  })
}

/**
 * Writes tensors of any type to a file, atomically, one after the other.
 *
 * @param bytesOf gives the bytes of one tensor, as many as its type and shape say
 */
export async function streamEntries(
  path: string,
  entries: ReadonlyMap<string, Pick<TensorEntry, 'dtype' | 'shape'>>,
  metadata: Readonly<Record<string, string>>,
  bytesOf: (name: string) => Promise<Uint8Array>,
): Promise<void> {
  const header = encodeHeader(entries, metadata)
  await writeFileAtomic(path, async (file) => {
    await file.writeFile(header)
    for (const name of entries.keys()) await file.writeFile(await bytesOf(name))
  })
}

async function withFile<T>(path: string, read: (file: FileHandle) => Promise<T>): Promise<T> {
  await regularFile(path)
  const file = await open(path, 'r').catch((error: unknown) => {
    throw unreadable(path, error)
  })
  try {
    return await read(file)
  } finally {
    await file.close()
  }
}

async function readHeader(file: FileHandle, path: string): Promise<SafetensorsHeader> {
  const { size } = await file.stat()
  const start = await readAt(file, path, 0, Math.min(8, size))
  const length = readHeaderLength(start, size, path)
  return parseSafetensorsHeader(await readAt(file, path, 0, 8 + length), size, path)
}

async function readAll(
  file: FileHandle,
  path: string,
  entries: ReadonlyMap<string, TensorEntry>,
): Promise<Map<string, FloatTensor>> {
  const read = new Map<string, FloatTensor>()
  for (const [name, { dtype, shape, offset, length }] of entries) {
    if (dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16')
      throw new UserError(
        `${path}: tensor ${quote(name)} is ${dtype}; only F32, F16 and BF16 can be read, so save it as one of these`,
      )
    const bytes = await readAt(file, path, offset, length)
    const data =
      dtype === 'F32' ? new Float32Array(bytes.buffer) : widen(new Uint16Array(bytes.buffer), dtype)
    read.set(name, { shape, data })
  }
  return read
}

/** Reads into a buffer of its own, in pieces of at most 1 GiB, which every system takes. */
async function readAt(file: FileHandle, path: string, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  for (let done = 0; done < length;) {
    const { bytesRead } = await file.read(bytes, done, Math.min(length - done, 2 ** 30), offset + done)
    if (bytesRead === 0)
      throw broken(path, `it ends at byte ${offset + done}, inside what its header announces`)
    done += bytesRead
  }
  return bytes
}

/** The header's length and the header, padded with blanks to a multiple of 8 bytes. */
function encodeHeader(
  tensors: ReadonlyMap<string, Pick<TensorEntry, 'dtype' | 'shape'>>,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
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
