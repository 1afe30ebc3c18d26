/** What the page knows. Sections read it; what they do stands beside them. @module */
import { computed, signal } from '@preact/signals'

import type {
  AdapterEntry,
  Damaged,
  Examined,
  Facility,
  ModelEntry,
  ModelFacts,
  Preference,
  Room,
  RunEntry,
  Source,
  Trained,
} from '../worker/workshop.ts'
import type { TabLogRecord } from '../../src/web.ts'
import type { PageTask } from './tasks.ts'

const isWhole = <Entry>(entry: Entry | Damaged): entry is Entry => !('damaged' in (entry as object))

export const facility = signal<Facility | undefined>(undefined)
export const room = signal<Room | undefined>(undefined)

export const models = signal<readonly ModelEntry[]>([])
export const model = signal<ModelFacts | undefined>(undefined)
/** The model that is being opened, and how far. */
export const opening = signal<
  { readonly name: string; readonly done: number; readonly of: number } | undefined
>(undefined)

export const task = signal<PageTask>('sft')
export const source = signal<Source | undefined>(undefined)
export const examined = signal<Examined | undefined>(undefined)
export const examining = signal(false)
/** Whether the model could not be shown examples of the source. */
export const unread = signal(false)
/** How a row becomes an example, where someone said so; else its columns tell. */
export const template = signal<object | undefined>(undefined)

export const form = {
  name: signal(''),
  steps: signal(60),
  batch: signal(8),
  rank: signal(8),
  /** As typed; empty: what suits the task. */
  rate: signal(''),
  seed: signal(42),
  /** `key: value` a line. */
  more: signal(''),
}
export type FormKey = keyof typeof form

export const keptRuns = signal<readonly (RunEntry | Damaged)[]>([])
export const runs = computed(() => keptRuns.value.filter(isWhole))
/** Whether a run is being made. */
export const preparing = signal(false)
/** The run under way. */
export const training = signal<string | undefined>(undefined)
export const pausing = signal(false)
/** The run whose curves are shown. */
export const shown = signal<string | undefined>(undefined)
export const records = signal<readonly TabLogRecord[]>([])
export const plan = signal<{ readonly fromStep: number; readonly totalSteps: number } | undefined>(undefined)
/** Steps and tokens per second, of the last few steps. */
export const pace = signal<{ readonly steps: number; readonly tokens: number } | undefined>(undefined)
export const notes = signal<readonly string[]>([])
export interface Scored {
  readonly prompt: string
  readonly response: string
  readonly score: number
}
export const scored = signal<readonly Scored[]>([])

export const shownRun = computed(() => runs.value.find(({ name }) => name === shown.value))

export const keptAdapters = signal<readonly (AdapterEntry | Damaged)[]>([])
export const adapters = computed(() => keptAdapters.value.filter(isWhole))
/** Who says which class a text is of; by default the newest that can. */
export const classifier = signal<Trained | undefined>(undefined)
/** Who writes in the right column of a comparison. */
export const after = signal<Trained | undefined>(undefined)

export const preferences = signal<readonly Preference[]>([])

export const reward = signal(`// Gets one response at a time; the higher the number, the better.
(sample) => {
  const words = sample.response.toLowerCase().match(/[a-z]+/g) ?? []
  const different = new Set(words).size
  return words.length < 4 ? -1 : different / words.length
}
`)
