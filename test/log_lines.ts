import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A line of a run's log. */
export type Line = Readonly<Record<string, unknown>>

/** The log of a run. */
export const linesOf = async (run: string): Promise<Line[]> =>
  (await readFile(join(run, 'log.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
