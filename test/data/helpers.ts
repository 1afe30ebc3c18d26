/**
 * What the data tests share.
 * @module
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'

import { UserError } from '../../src/errors.ts'
import type { EncodedExample } from '../../src/data/examples/encode.ts'
import type { Tokenizer } from '../../src/text/tokenizer.ts'

export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'ortune-data-'))
  try {
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Writes a file of this name and content, and gives its path to `use`. */
export async function withFile<T>(
  name: string,
  content: string | Uint8Array,
  use: (path: string) => Promise<T>,
): Promise<T> {
  return withFolder(async (folder) => {
    const path = join(folder, name)
    await writeFile(path, content)
    return use(path)
  })
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** The message of the UserError that `run` ends in; any other outcome fails. */
export async function userError(run: () => unknown): Promise<string> {
  try {
    await run()
  } catch (error) {
    expect(error).to.be.instanceOf(UserError)
    return (error as UserError).message
  }
  throw new Error('no error where a UserError was expected')
}

/** One token a byte, and 256 for the end of text. Knows "<|endoftext|>" as tokenizers do: as a special token. */
export const byteTokenizer: Tokenizer = {
  vocabSize: 257,
  ownSize: 257,
  eosId: 256,
  knows: (id) => id >= 0 && id < 257,
  encode: (text) =>
    text
      .split('<|endoftext|>')
      .flatMap((part, i) => [...(i > 0 ? [256] : []), ...new TextEncoder().encode(part)]),
  encodePlain: (text) => [...new TextEncoder().encode(text)],
  special: new Map([['<|endoftext|>', 256]]),
  decode: (ids) => ids.map((id) => (id === 256 ? '<|endoftext|>' : String.fromCharCode(id))).join(''),
}

/** An example of these tokens with loss from position `from` on. */
export function example(ids: readonly number[], from = 0): EncodedExample {
  return {
    input_ids: Int32Array.from(ids),
    labels: Int32Array.from(ids, (id, t) => (t < from ? -100 : id)),
  }
}
