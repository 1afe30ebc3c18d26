/** @module */
import { closeSync, openSync, writeSync } from 'node:fs'

import { readSafetensorsHeader } from '../../src/formats/safetensors.ts'

/** Writes one float32 into a tensor of a file, in place. */
export async function poke(path: string, tensor: string, index: number, value: number): Promise<void> {
  const { tensors } = await readSafetensorsHeader(path)
  const { offset } = tensors.get(tensor)!
  const file = openSync(path, 'r+')
  writeSync(file, new Uint8Array(Float32Array.of(value).buffer), 0, 4, offset + 4 * index)
  closeSync(file)
}
