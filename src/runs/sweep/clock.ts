/**
 * How many tokens and seconds of training a run has had at each step. The clock has a file of its own beside the log, since the log
 * of equal runs has equal bytes. It counts what steps take, and not evaluations.
 * @module
 */
import { join } from 'node:path'

import type { Listener, LogRecord } from '../../learning/listeners.ts'
import { exists } from '../../formats/read_file.ts'
import { appendRecord, readRecords } from '../log.ts'

/** Since the run began, over interruptions. */
export interface ClockRecord extends LogRecord {
  /** Without padding. */
  readonly tokens: number
  readonly seconds: number
}

export interface Clock {
  readonly listener: Listener
  /** The record of the step, or of the last one before it. */
  readonly at: (step: number) => ClockRecord
  /** Whether it has counted each step up to this one. */
  readonly isWhole: (step: number) => boolean
}

const BEGINNING: ClockRecord = { step: 0, tokens: 0, seconds: 0 }

/** The clock of a run's folder. */
export const clockOf = (run: string): Promise<Clock> => openClock(join(run, 'clock.jsonl'))

/**
 * Opens the clock of a run, to look at or to go on. A step that was taken again after an interruption stands twice in the file,
 * and the later one counts.
 *
 * @param file whose folder exists when the first step is taken
 */
export async function openClock(file: string): Promise<Clock> {
  const records: ClockRecord[] = [BEGINNING]
  const add = (record: ClockRecord) => void (records[record.step] = record)
  if (await exists(file)) for await (const record of readRecords(file)) if (isClockRecord(record)) add(record)
  const at: Clock['at'] = (step) => records.slice(0, step + 1).findLast((record) => record !== undefined)!
  let now = BEGINNING
  let since = 0
  return {
    at,
    isWhole: (step) =>
      Array.from({ length: step }, (_, i) => records[i + 1]).every((record) => record !== undefined),
    listener: {
      start({ fromStep }) {
        now = at(fromStep)
        since = performance.now()
      },
      step({ step, tokens }) {
        const instant = performance.now()
        now = { step, tokens: now.tokens + tokens, seconds: now.seconds + (instant - since) / 1000 }
        since = instant
        add(now)
        appendRecord(file, now)
      },
      evaluation() {
        since = performance.now()
      },
    },
  }
}

const isClockRecord = (record: LogRecord): record is ClockRecord =>
  record.step >= 0 &&
  ['tokens', 'seconds'].every((key) => Number.isFinite((record as unknown as Record<string, unknown>)[key]))
