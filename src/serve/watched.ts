/**
 * A folder that is watched: a run, the runs of a sweep, or the stages of a curriculum.
 * @module
 */
import { readdir, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'

import { UserError } from '../errors.ts'
import { isCurriculum, stageRuns } from '../formats/curriculum.ts'
import { exists } from '../formats/read_file.ts'
import { readRunConfig } from '../runs/run_config.ts'
import { aboutRun } from './about.ts'
import { tellRun } from './events.ts'
import type { Route } from './server.ts'
import { endJson } from './server.ts'

export interface WatchedRun {
  readonly name: string
  readonly running: boolean
  /** Of its last checkpoint. */
  readonly step: number | null
  readonly metric: string | null
  readonly best: number | null
}

/** The value of `watched.json`: its runs are at `runs/<name>/events`. */
export interface Watched {
  readonly name: string
  readonly kind: 'run' | 'sweep' | 'curriculum'
  readonly runs: readonly WatchedRun[]
}

/** @throws UserError where the folder is none of them */
export async function checkWatched(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined)
  if (found === undefined) throw new UserError(`${folder} does not exist; name the folder of a run`)
  if (!found.isDirectory()) throw new UserError(`${folder} is a file; name the folder of a run`)
  if ((await kindOf(folder)) === 'run') await readRunConfig(folder)
}

/** `watched.json`, and the events of each run. */
export function watchRoutes(folder: string): Route[] {
  return [
    async ({ names }, response) =>
      names.join('/') === 'watched.json' && endJson(response, await describeWatched(folder)),
    async (asked, response) => {
      const [runs, name, events, ...more] = asked.names
      if (runs !== 'runs' || events !== 'events' || more.length > 0) return false
      const run = (await runsOf(folder)).find((run) => nameOf(run) === name)
      return run !== undefined && tellRun(run, asked, response)
    },
  ]
}

const nameOf = (run: string): string => basename(resolve(run))

async function kindOf(folder: string): Promise<Watched['kind']> {
  if (await isCurriculum(folder)) return 'curriculum'
  return (await exists(join(folder, 'sweep.json'))) ? 'sweep' : 'run'
}

/** Its runs that have begun. */
async function runsOf(folder: string): Promise<string[]> {
  const kind = await kindOf(folder)
  if (kind === 'run') return [folder]
  const names = (await readdir(folder)).filter((name) => !name.startsWith('.')).sort()
  const all = kind === 'sweep' ? names.map((name) => join(folder, name)) : await stageRuns(folder)
  const begun = await Promise.all(all.map((run) => exists(join(run, 'training.json'))))
  return all.filter((_, i) => begun[i])
}

async function describeWatched(folder: string): Promise<Watched> {
  const runs = await runsOf(folder)
  const described = runs.map(async (run): Promise<WatchedRun> => {
    const about = await aboutRun(run).catch(() => undefined)
    const { last = null, best = null } = about?.checkpoints ?? {}
    return {
      name: nameOf(run),
      running: about?.running ?? false,
      step: last?.step ?? null,
      metric: best?.metric ?? null,
      best: best?.value ?? null,
    }
  })
  return { name: nameOf(folder), kind: await kindOf(folder), runs: await Promise.all(described) }
}
