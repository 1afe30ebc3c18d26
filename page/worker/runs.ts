/** @module */
import type { TabRunRecord, TabStorage } from '../../src/web.ts'
import { readTabRun, readTabState, runFolder } from '../../src/web.ts'
import { readEach } from './damaged.ts'
import type { Damaged, RunEntry } from './workshop.ts'

/** What is kept of a run in its record's notes. */
export interface RunNotes {
  readonly model: string
  readonly reward?: string
}

export const notesOf = ({ notes }: TabRunRecord): RunNotes => notes as unknown as RunNotes

/** All runs; those whose making was cut off are left. */
export async function listRuns(storage: TabStorage): Promise<(RunEntry | Damaged)[]> {
  const names: string[] = []
  for (const name of await storage.list('runs'))
    if (await storage.read(`${runFolder(name)}/run.json`)) names.push(name)
  return readEach(names, async (name) => entryOf(storage, await readTabRun(storage, name)))
}

export async function entryOf(storage: TabStorage, record: TabRunRecord): Promise<RunEntry> {
  const { name, settings } = record
  const { task, max_steps, early_stopping_patience: patience } = settings
  const at = await readTabState(storage, record)
  const steps = max_steps ?? (await readPlan(storage, name)) ?? 0
  const step = at?.global_step ?? 0
  const stoppedEarly = at !== undefined && patience !== null && at.evaluations_without_improvement >= patience
  const finished = stoppedEarly || (steps > 0 && step >= steps)
  const { model, reward } = notesOf(record)
  const state = finished ? 'finished' : at ? 'stopped' : 'new'
  return { name, model, task, step, steps, state, settings, reward }
}

const planFile = (name: string): string => `${runFolder(name)}/plan.json`

/** Keeps how many steps a run has, which its data says. */
export const keepPlan = (storage: TabStorage, name: string, steps: number): Promise<void> =>
  storage.write(planFile(name), [JSON.stringify(steps)])

async function readPlan(storage: TabStorage, name: string): Promise<number | undefined> {
  const blob = await storage.read(planFile(name))
  const steps = blob && Number(await blob.text())
  return Number.isSafeInteger(steps) ? steps : undefined
}
