/**
 * Safetensors files of a disk: reading tensors, and writing them one after the other, so that the whole never has to be in memory
 * at once.
 * @module
 */
import { writeFileAtomic } from './atomic.ts'
import { fileAt } from './disk_file.ts'
import type { FloatDtype, FloatTensor } from './float_tensor.ts'
import type { FileBytes } from './safetensors_bytes.ts'
import {
  chooseEntries,
  encodeHeader,
  readEntriesOf,
  readHeader,
  tensorBytes,
  TORCH_METADATA,
  wholeBytes,
} from './safetensors_bytes.ts'
import type { SafetensorsHeader, TensorEntry } from './safetensors_header.ts'
import { parseSafetensorsHeader } from './safetensors_header.ts'

export type { FloatDtype, FloatTensor, SafetensorsHeader, TensorEntry }
export { parseSafetensorsHeader }

/** Reads and checks the header of a file, and nothing else of it. */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  return withFile(path, (bytes) => readHeader(bytes, path))
}

/**
 * Reads tensors as float32; F16 and BF16 are widened, which is exact.
 * @param names Which ones, in this order; all in the file's order when left out.
 * @throws UserError for a broken file, a name that is not in it, or a dtype that is none of the three.
 */
export async function readTensors(path: string, names?: Iterable<string>): Promise<Map<string, FloatTensor>> {
  return withFile(path, async (bytes) =>
    readEntriesOf(bytes, chooseEntries(await readHeader(bytes, path), names, path), path),
  )
}

/** Reads the tensors that lie at `entries`, whatever the file calls them, keyed as `entries` is. */
export async function readEntries(
  path: string,
  entries: ReadonlyMap<string, TensorEntry>,
): Promise<Map<string, FloatTensor>> {
  return withFile(path, (bytes) => readEntriesOf(bytes, entries, path))
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
  metadata: Readonly<Record<string, string>> = TORCH_METADATA,
  dtype: FloatDtype | ((name: string) => FloatDtype) = 'F32',
): Promise<void> {
  const typeOf = typeof dtype === 'string' ? () => dtype : dtype
  const entries = new Map([...shapes].map(([name, shape]) => [name, { dtype: typeOf(name), shape }]))
  await streamEntries(path, entries, metadata, async (name) =>
    tensorBytes(name, { shape: shapes.get(name)!, data: await dataOf(name) }, typeOf(name)),
  )
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

async function withFile<T>(path: string, use: (bytes: FileBytes) => Promise<T>): Promise<T> {
  const file = await fileAt(path).open()
  try {
    return await use(wholeBytes(file, path))
  } finally {
    await file.close()
  }
}
