/** @module */
import type { FloatTensor } from './float_tensor.ts'
import { readEntries } from './safetensors.ts'
import type { StoredTensors } from './weight_files.ts'
import { filesOf } from './weight_files.ts'

/** Reads tensors of a disk as float32, in their order. */
export async function readStored(tensors: StoredTensors): Promise<Map<string, FloatTensor>> {
  const read = new Map<string, FloatTensor>()
  for (const file of filesOf(tensors)) {
    const entries = new Map([...tensors].filter(([, entry]) => entry.file === file))
    for (const [name, tensor] of await readEntries(file, entries)) read.set(name, tensor)
  }
  return new Map([...tensors.keys()].map((name) => [name, read.get(name)!]))
}
