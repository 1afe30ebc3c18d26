/**
 * The files that a run writes a line of JSON to at every step.
 * @module
 */
import { appendFileSync } from 'node:fs'

import { writeFileAtomic } from '../formats/atomic.ts'
import { exists, readText } from '../formats/read_file.ts'
import type { LogRecord } from '../learning/listeners.ts'

export const appendRecord = (path: string, record: LogRecord): void =>
  appendFileSync(path, `${JSON.stringify(record)}\n`)

/**
 * Drops what a killed process recorded after its last checkpoint, and a line it may have left half-written. A run without a
 * checkpoint begins anew, so all of its records go.
 *
 * @param globalStep step of the last checkpoint, 0 where there is none
 */
export async function truncateRecords(path: string, globalStep: number): Promise<void> {
  if (!(await exists(path))) return
  const text = await readText(path)
  const kept = text.split('\n').filter((line) => line !== '' && globalStep > 0 && stepOf(line) <= globalStep)
  await writeFileAtomic(path, kept.map((line) => `${line}\n`).join(''))
}

function stepOf(line: string): number {
  try {
    return (JSON.parse(line) as LogRecord).step
  } catch {
    return Infinity
  }
}
