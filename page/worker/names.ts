/** @module */
import type { TabStorage } from '../../src/web.ts'
import { UserError } from '../../src/web.ts'

/** Of letters: leaves room for a number. */
const LONGEST = 70

/**
 * A name under which something new can be kept in a folder: what is given without characters that names do not have, and with a number
 * where it is taken.
 *
 * @throws UserError where nothing of it is left
 */
export async function freeName(
  storage: Pick<TabStorage, 'list'>,
  folder: string,
  given: string,
): Promise<string> {
  const safe = given.replace(/[^\p{L}\p{N} ._-]+/gu, '-').replace(/^[. ]+/, '')
  const name = [...safe].slice(0, LONGEST).join('')
  if (name === '') throw new UserError('this name has no letter or digit; give another')
  const taken = await storage.list(folder)
  let free = name
  for (let n = 2; taken.includes(free); n++) free = `${name} ${n}`
  return free
}
