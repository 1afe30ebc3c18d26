/**
 * The files that a run writes a line of JSON to at every step. They are read line by line, since nothing bounds their length.
 * @module
 */
import { appendFileSync, createReadStream } from 'node:fs'

import { writeFileAtomic } from '../formats/atomic.ts'
import { withPath } from '../formats/disk.ts'
import { exists, regularFile, unreadable } from '../formats/read_file.ts'
import type { EvaluationRecord, Listener, LogRecord } from '../learning/listeners.ts'

/** In characters. That of a long response is some hundred thousand; a longer line is none of ours. */
export const LONGEST_LINE = 2 ** 23

export function appendRecord(path: string, record: LogRecord): void {
  try {
    appendFileSync(path, `${JSON.stringify(record)}\n`)
  } catch (error) {
    throw withPath(path, error)
  }
}

/**
 * Writes the log. Its first line is the first step's; the evaluation of what training starts from is the second.
 *
 * @param path of `log.jsonl`
 */
export function logWriter(path: string): Listener {
  let before: EvaluationRecord | undefined
  return {
    step(record) {
      appendRecord(path, record)
      if (before) appendRecord(path, before)
      before = undefined
    },
    evaluation(record) {
      if (record.step === 0) before = record
      else appendRecord(path, record)
    },
  }
}

/** The records of a log, without lines that are none, such as one that is just being written. */
export async function* readRecords(path: string): AsyncGenerator<LogRecord> {
  for await (const lines of readLines(path))
    for (const line of lines) {
      const record = recordOf(line)
      if (record) yield record
    }
}

export async function hasRecords(path: string): Promise<boolean> {
  if (!(await exists(path))) return false
  const first = await readRecords(path).next()
  return first.done !== true
}

/** The first and the last evaluation that a log tells of, or what there is of them. */
export async function readEvaluations(path: string): Promise<EvaluationRecord[]> {
  if (!(await exists(path))) return []
  const found: EvaluationRecord[] = []
  for await (const record of readRecords(path)) if (isEvaluation(record)) keepEnds(found, record)
  return found
}

/** Puts a record behind the first one, in the place of the last. */
export function keepEnds<T>(ends: T[], record: T): void {
  ends.splice(1, 1)
  ends.push(record)
}

/**
 * Drops what a killed process recorded after its last checkpoint, and a line it may have left half-written. A run without a
 * checkpoint begins anew, so all of its records go.
 *
 * @param globalStep step of the last checkpoint, 0 where there is none
 */
export async function truncateRecords(path: string, globalStep: number): Promise<void> {
  if (!(await exists(path))) return
  const isKept = (line: string) => (recordOf(line)?.step ?? Infinity) <= globalStep
  await writeFileAtomic(path, async (file) => {
    if (globalStep === 0) return
    for await (const lines of readLines(path)) {
      const kept = lines.filter(isKept).map((line) => `${line}\n`)
      await file.writeFile(kept.join(''))
    }
  })
}

/**
 * The steps up to one that a log has no line of, as stretches from its first to its last step. A log that its run alone has
 * written has one of each.
 */
export async function missingSteps(path: string, upTo: number): Promise<[from: number, to: number][]> {
  const missing: [number, number][] = []
  let next = 1
  const pass = (step: number) => {
    if (step > next) missing.push([next, step - 1])
    next = Math.max(next, step + 1)
  }
  if (await exists(path))
    for await (const record of readRecords(path)) if (!isEvaluation(record)) pass(record.step)
  pass(upTo + 1)
  return missing
}

/** A log's lines, some at a time. A line that was cut off may end inside a character, so what is no text becomes U+FFFD. */
async function* readLines(path: string): AsyncGenerator<string[]> {
  await regularFile(path)
  let begun = ''
  try {
    for await (const chunk of createReadStream(path, 'utf8') as AsyncIterable<string>) {
      const lines = chunk.split('\n')
      // Of a line that is too long, so much is kept that this is seen.
      lines[0] = begun.length > LONGEST_LINE ? begun : begun + lines[0]!
      begun = lines.pop()!
      yield lines
    }
  } catch (error) {
    throw unreadable(path, error)
  }
  yield [begun]
}

/** Undefined where a line is none. */
export function recordOf(line: string): LogRecord | undefined {
  if (line.length > LONGEST_LINE) return undefined
  try {
    const record = JSON.parse(line) as Partial<LogRecord> | null
    return Number.isSafeInteger(record?.step) ? (record as LogRecord) : undefined
  } catch {
    return undefined
  }
}

export const isEvaluation = (record: LogRecord): record is EvaluationRecord =>
  'eval_loss' in record && typeof record.eval_loss === 'number'
