/**
 * Whether the tensors of a checkpoint are those that training saved: its `trainer_state.json` holds their digests. A bit that the disk
 * has turned is a finite number most of the time, and what is trained from it goes wrong much later.
 * @module
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

import { UserError } from '../errors.ts'
import { exists } from './read_file.ts'
import type { Digests } from './sealed.ts'
import { digestOf } from './sealed.ts'

export const STATE_FILE = 'trainer_state.json'

/** The key of the digests in {@link STATE_FILE}. */
export const DIGESTS_KEY = 'files'

const schema = z.looseObject({
  [DIGESTS_KEY]: z.record(z.string().regex(/^[\w-]+\.safetensors$/), z.string().regex(/^[0-9a-f]{64}$/)),
})

/** The digests of the tensors that have been written into a folder. */
export async function tensorDigests(folder: string): Promise<Digests> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.safetensors')).sort()
  const digests: Record<string, string> = {}
  for (const name of names) digests[name] = await digestOf(join(folder, name))
  return digests
}

/**
 * Compares a checkpoint's tensors with what training saved, where its state tells: those of before do not.
 *
 * @param state the value of {@link STATE_FILE}
 * @param remedy completes "put it back from a copy"
 * @throws UserError naming the file that is damaged or missing
 */
export async function checkTensors(folder: string, state: object, remedy: string): Promise<void> {
  const digests = schema.safeParse(state).data?.[DIGESTS_KEY] ?? {}
  for (const [name, digest] of Object.entries(digests)) {
    const path = join(folder, name)
    if (!(await exists(path))) throw new UserError(`${path} is missing; put it back from a copy${remedy}`)
    if ((await digestOf(path)) !== digest)
      throw new UserError(
        `${path} is damaged, as it is not what training saved (whose SHA-256 is ${digest}); put it back from a copy${remedy}`,
      )
  }
}
