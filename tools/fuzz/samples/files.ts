/**
 * Sound files of text and of JSON values.
 * @module
 */
import { join } from 'node:path'

/** Sound files; what they stand beside is written into the folder. */
export type Samples = (folder: string) => Promise<readonly Uint8Array[]>

/** The repository. */
export const root = join(import.meta.dirname, '..', '..', '..')
export const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
export const texts =
  (...files: readonly string[]): Samples =>
  async () =>
    files.map(encode)
export const values =
  (...files: readonly unknown[]): Samples =>
  async () =>
    files.map((value) => encode(JSON.stringify(value)))
export const lines =
  (...files: readonly (readonly unknown[])[]): Samples =>
  async () =>
    files.map((records) => encode(records.map((record) => `${JSON.stringify(record)}\n`).join('')))
