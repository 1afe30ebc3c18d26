/** @module */
import type { Damaged } from './workshop.ts'

/** What is read of each name; where that fails, why. */
export async function readEach<Entry>(
  names: readonly string[],
  read: (name: string) => Promise<Entry>,
): Promise<(Entry | Damaged)[]> {
  const entries: (Entry | Damaged)[] = []
  for (const name of names)
    try {
      entries.push(await read(name))
    } catch (error) {
      entries.push({ name, damaged: (error as Error).message })
    }
  return entries
}
