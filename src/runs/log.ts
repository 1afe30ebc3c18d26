/**
 * The files that a run writes a line of JSON to at every step.
 * @module
 */
import { appendFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'

import { writeFileAtomic } from '../formats/atomic.ts'
import { exists, readText, unreadable } from '../formats/read_file.ts'
import type { EvaluationRecord, LogRecord } from '../learning/listeners.ts'

export const appendRecord = (path: string, record: LogRecord): void =>
  appendFileSync(path, `${JSON.stringify(record)}\n`)

/** The evaluations that a log tells of, in order. */
export async function readEvaluations(path: string): Promise<EvaluationRecord[]> {
  if (!(await exists(path))) return []
  const lines = (await readText(path)).split('\n').filter((line) => line.includes('"eval_loss"'))
  return lines.map((line) => JSON.parse(line) as EvaluationRecord)
}

/**
 * Drops what a killed process recorded after its last checkpoint, and a line it may have left half-written. A run without a
 * checkpoint begins anew, so all of its records go.
 *
 * @param globalStep step of the last checkpoint, 0 where there is none
 */
export async function truncateRecords(path: string, globalStep: number): Promise<void> {
  if (!(await exists(path))) return
  const lines = await readLines(path)
  const kept = lines.filter((line) => globalStep > 0 && (recordOf(line)?.step ?? Infinity) <= globalStep)
  await writeFileAtomic(path, kept.map((line) => `${line}\n`).join(''))
}

/** The records of a log, without lines that are none, such as one that is just being written. */
export async function readRecords(path: string): Promise<LogRecord[]> {
  return (await readLines(path)).flatMap((line) => recordOf(line) ?? [])
}

/** A line that was cut off may end inside a character, so what is no text becomes U+FFFD. */
async function readLines(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw unreadable(path, error)
  })
  return text.split('\n').filter((line) => line !== '')
}

function recordOf(line: string): LogRecord | undefined {
  try {
    const record: unknown = JSON.parse(line)
    const isRecord =
      typeof record === 'object' && record !== null && 'step' in record && typeof record.step === 'number'
    return isRecord ? (record as LogRecord) : undefined
  } catch {
    return undefined
  }
}
