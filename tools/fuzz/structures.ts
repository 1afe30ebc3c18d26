/**
 * JSON within files.
 * @module
 */
import { parse } from 'yaml'

import type { Structure } from './target.ts'

const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

/** A file of JSON. */
export const json: Structure = {
  open: (file) => JSON.parse(decode(file)) as unknown,
  close: (value, print) => encode(print(value)),
}

/** JSON Lines, as the list of their values. */
export const jsonLines: Structure = {
  open: (file) =>
    decode(file)
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  close: (value, print) =>
    encode((Array.isArray(value) ? value : [value]).map((line) => `${print(line)}\n`).join('')),
}

/** YAML, which JSON is as well. */
export const yaml: Structure = {
  open: (file) => parse(decode(file)) as unknown,
  close: (value, print) => encode(print(value)),
}

/** The header of a safetensors file; its tensors stay. */
export const safetensors: Structure = {
  open: (file) => JSON.parse(decode(file.subarray(8, 8 + headerLength(file)))) as unknown,
  close(value, print, file) {
    const header = encode(print(value))
    const length = new Uint8Array(8)
    new DataView(length.buffer).setBigUint64(0, BigInt(header.length), true)
    return Buffer.concat([length, header, file.subarray(8 + headerLength(file))])
  },
}

const headerLength = (file: Uint8Array): number =>
  Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true))
