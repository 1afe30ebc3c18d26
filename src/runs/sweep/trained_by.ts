/**
 * What a sweep has trained: runs, and curricula of several.
 * @module
 */
import { join } from 'node:path'

import { CURRICULUM_FILE, stageRuns } from '../../formats/curriculum.ts'
import { exists } from '../../formats/read_file.ts'
import type { Listener } from '../../learning/listeners.ts'
import { listenersAsOne } from '../../learning/listeners.ts'
import type { RunConfig } from '../config.ts'
import { continueRun } from '../continue.ts'
import { createRun } from '../create.ts'
import { continueCurriculum } from '../curriculum/continue.ts'
import { createCurriculum } from '../curriculum/create.ts'
import type { CreateWatcher } from '../create.ts'

export interface Trained {
  readonly isMade: (folder: string) => Promise<boolean>
  readonly make: (config: RunConfig, watcher: CreateWatcher) => Promise<unknown>
  /** Trains it to its end, or until somebody asks to stop; tells whether it is at its end. */
  readonly goOn: (folder: string, options: GoOnOptions) => Promise<boolean>
  /** Its runs, in the order in which they were trained. */
  readonly runs: (folder: string) => Promise<readonly string[]>
}

export interface GoOnOptions {
  /** Who watches a run of it. */
  readonly watch: (run: string) => Promise<Listener>
  readonly note: (sentence: string) => void
  readonly signal: AbortSignal
}

const run: Trained = {
  isMade: (folder) => exists(join(folder, 'training.json')),
  make: createRun,
  async goOn(folder, { watch, signal }) {
    let ended = true
    const stop: Listener = { stop: () => void (ended = false) }
    await continueRun(folder, listenersAsOne([stop, await watch(folder)]), { signal })
    return ended
  },
  runs: (folder) => Promise.resolve([folder]),
}

const curriculum: Trained = {
  isMade: (folder) => exists(join(folder, CURRICULUM_FILE)),
  make: createCurriculum,
  async goOn(folder, { watch, note, signal }) {
    const { finished } = await continueCurriculum(folder, { watch: ({ run }) => watch(run), note, signal })
    return finished
  },
  runs: stageRuns,
}

/** What a configuration makes. */
export const trainedBy = ({ stages }: Pick<RunConfig, 'stages'>): Trained => (stages ? curriculum : run)
