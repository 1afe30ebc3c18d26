/**
 * Files that lie side by side and are known by their names, as those of a model: in a folder of a disk, or picked in a browser.
 * @module
 */
import type { ByteFile } from './byte_file.ts'
import type { FloatTensor } from './float_tensor.ts'
import type { SafetensorsHeader, TensorEntry } from './safetensors_header.ts'

export interface Files {
  /** What errors call them together. */
  readonly where: string
  readonly names: () => Promise<readonly string[]>
  /** What errors call one of them. */
  readonly path: (name: string) => string
  /** One of them as it is. */
  readonly file: (name: string) => ByteFile
  /** @throws UserError where it cannot be read, is larger than `most` bytes or is no text of UTF-8 */
  readonly text: (name: string, most?: number) => Promise<string>
  /** @throws UserError as {@link Files.text} does, or where it is not JSON */
  readonly json: (name: string, most?: number) => Promise<unknown>
  /** The header of a safetensors file. Throws UserError where it is broken. */
  readonly header: (name: string) => Promise<SafetensorsHeader>
  /** Tensors of a safetensors file as float32, keyed as `entries` is. */
  readonly tensors: (
    name: string,
    entries: ReadonlyMap<string, TensorEntry>,
  ) => Promise<Map<string, FloatTensor>>
}

export const has = async (files: Files, name: string): Promise<boolean> =>
  (await files.names()).includes(name)
