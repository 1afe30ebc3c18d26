/**
 * A sweep from its first run to its last. Killed at any moment, it goes on when it is called again: runs that ended have a row, the
 * one under way has a checkpoint.
 * @module
 */
import { join } from 'node:path'

import { UserError } from '../../errors.ts'
import { withLock } from '../../formats/lock.ts'
import type { Listener } from '../../learning/listeners.ts'
import type { Finishing } from './attempt.ts'
import { attempt } from './attempt.ts'
import type { Scale, SweepFolder } from './folder.ts'
import { openSweepFolder } from './folder.ts'
import { folderName, valuesOf } from './names.ts'
import type { PlannedRun, SweepPlan } from './plan.ts'
import { rowOf } from './row_of.ts'
import type { SweepRow } from './rows.ts'
import { appendRow, readRows } from './rows.ts'
import { trainedBy } from './trained_by.ts'

/** How far a sweep goes; what it did when it was called before counts. */
export interface Budget {
  /** Runs. */
  readonly runs?: number | undefined
  /** Seconds of runs; none begins later, and the one under way comes to its end. */
  readonly seconds?: number | undefined
}

/** Figures of a run's best checkpoint on a split. */
export interface FinalEvaluation {
  readonly split: string
  readonly evaluate: (run: string) => Promise<Readonly<Record<string, number>>>
}

export interface SweepOptions {
  readonly budget?: Budget
  /** Whether runs that failed are tried again. */
  readonly retry?: boolean | undefined
  readonly final?: FinalEvaluation | undefined
  readonly watcher?: SweepWatcher
  /** Does what a signal is to let come to a good end, such as a checkpoint. */
  readonly finishing?: Finishing
}

/** Where a sweep is. */
export interface SweepPosition {
  /** Of the runs that have come to an end, and this one. */
  readonly number: number
  /** Of all that the budget has room for. */
  readonly of: number
  /** Its folder. */
  readonly run: string
  readonly values: Readonly<Record<string, unknown>>
  /** Whether it was interrupted. */
  readonly resumed: boolean
  /** By the runs so far; undefined before there are any. */
  readonly secondsLeft: number | undefined
}

export interface SweepWatcher {
  /** How many runs there are to do, how many of them were done before, and how many others the folder has. */
  begin?(plan: { readonly of: number; readonly done: number; readonly others: number }): void
  run?(at: SweepPosition): void
  row?(row: SweptRun): void
  note?(sentence: string): void
  /** What is told of a run's training. */
  listener?(): Listener
}

/** A run that came to an end. */
export interface SweptRun extends SweepRow {
  /** By the keys of the sweep; null where the configuration leaves one to a default. */
  readonly values: Readonly<Record<string, unknown>>
}

export interface SweepResult {
  readonly out: string
  readonly scales: Readonly<Record<string, Scale>>
  /** Of the whole folder. */
  readonly runs: readonly SweptRun[]
  /** How many planned runs have no row yet. */
  readonly left: number
  /** Why they have none. */
  readonly stopped: 'interrupted' | 'runs' | 'minutes' | null
}

/**
 * Does the runs of a plan that are not done yet, one after another.
 *
 * @throws UserError where the folder is another sweep's, or another process goes on with it
 */
export async function goOn(plan: SweepPlan, options: SweepOptions = {}): Promise<SweepResult> {
  const folder = await openSweepFolder(plan)
  return withLock(join(plan.out, '.lock'), plan.out, () => goOnAlone(plan, folder, options))
}

async function goOnAlone(
  { runs }: SweepPlan,
  { out, scales, rowsFile, folders }: SweepFolder,
  { budget = {}, retry = false, final, watcher = {}, finishing = atOnce }: SweepOptions,
): Promise<SweepResult> {
  const keys = Object.keys(scales)
  const rows = await readRows(rowsFile)
  const keep = (row: SweepRow) => {
    appendRow(rowsFile, row)
    rows.set(row.digest, row)
  }
  const due = new Set(runs.map(({ digest }) => digest))
  const others = [...rows.keys()].filter((digest) => !due.has(digest)).length
  for (const { digest, error } of rows.values()) if (error === null || !retry) due.delete(digest)
  watcher.begin?.({ of: runs.length, done: runs.length - due.size, others })

  /** Trains a run, and tells whether it came to an end. */
  async function train(
    run: PlannedRun,
    position: SweepPosition,
  ): Promise<'ended' | 'ended last' | 'interrupted'> {
    watcher.run?.(position)
    const began = performance.now()
    const outcome = await attempt(run.config, position.run, {
      finishing,
      listener: () => watcher.listener?.() ?? {},
      note: (sentence) => watcher.note?.(sentence),
    })
    if (outcome.interrupted && !outcome.ended) return 'interrupted'
    const elapsed = (performance.now() - began) / 1000
    const row = await rowOf(run, position.run, outcome.error, elapsed, (sentence) => watcher.note?.(sentence))
    keep(row)
    due.delete(run.digest)
    watcher.row?.(valued(row, keys))
    return outcome.interrupted ? 'ended last' : 'ended'
  }

  const most = Math.min(runs.length, budget.runs ?? Infinity)
  const spent: number[] = []
  let stopped: SweepResult['stopped'] = null
  for (const run of runs) {
    if (due.has(run.digest)) {
      const done = runs.flatMap(({ digest }) => (due.has(digest) ? [] : [rows.get(digest)!]))
      stopped = overBudget(budget, done)
      if (stopped) break
      const path = join(out, folders.get(run.digest) ?? folderName(run, keys))
      const began = performance.now()
      const came = await train(run, {
        ...{ number: done.length + 1, of: most, run: path, values: valuesOf(run, keys) },
        resumed: await trainedBy(run.config).isMade(path),
        secondsLeft: spent.length === 0 ? undefined : ((most - done.length) * sum(spent)) / spent.length,
      })
      spent.push((performance.now() - began) / 1000)
      if (came !== 'ended') stopped = 'interrupted'
      if (came === 'interrupted') break
    }
    const row = rows.get(run.digest)!
    if (final && row.error === null && !row.evaluated[final.split]) {
      const figures = await orNote(() => final.evaluate(join(out, row.run)), watcher)
      if (figures) keep({ ...row, evaluated: { ...row.evaluated, [final.split]: figures } })
    }
    if (stopped) break
  }
  return { out, scales, runs: [...rows.values()].map((row) => valued(row, keys)), left: due.size, stopped }
}

const atOnce: Finishing = (work) => work(new AbortController().signal)

function overBudget({ runs = Infinity, seconds = Infinity }: Budget, done: readonly SweepRow[]) {
  if (done.length >= runs) return 'runs'
  return sum(done.map((row) => row.elapsed_seconds)) >= seconds ? 'minutes' : null
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)

const valued = (row: SweepRow, keys: readonly string[]): SweptRun => ({ ...row, values: valuesOf(row, keys) })

/** Undefined where it cannot be done, which is said. */
async function orNote<T>(work: () => Promise<T>, watcher: SweepWatcher): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    watcher.note?.(error.message)
    return undefined
  }
}
