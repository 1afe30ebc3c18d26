/** Opening, adding and removing models. @module */
import { proxy } from 'comlink'

import { workshop } from './workshop.ts'
import { examine } from './examples.ts'
import { attempt } from './said.ts'
import { after, keptAdapters, keptRuns, model, models, opening, preferences, room } from './state.ts'

const LAST = 'ortune.model'

/** Looks again at what is kept. Where one kind cannot be listed the others are. */
export async function refreshKept(): Promise<void> {
  const looked = await Promise.allSettled([
    workshop.models().then((found) => (models.value = found)),
    workshop.runs().then((found) => (keptRuns.value = found)),
    workshop.adapters().then((found) => (keptAdapters.value = found)),
    workshop.preferences().then((found) => (preferences.value = found)),
    workshop.room().then((found) => (room.value = found)),
  ])
  for (const one of looked) if (one.status === 'rejected') throw one.reason
}

/** Opens a model, unless it is open. */
export const openModel = (id: string): Promise<boolean> =>
  attempt('model', async () => {
    if (model.value?.id === id) return
    const name = id.slice(id.indexOf('/') + 1)
    await opened(name, () => workshop.openModel(id, progressOf(name)))
  })

export const addModel = (name: string, files: readonly File[]): Promise<boolean> =>
  attempt('model', async () => {
    await opened(name, () => workshop.addModel(name, files, progressOf(name)))
    await refreshKept()
  })

export const removeModel = (id: string): Promise<boolean> =>
  attempt('model', async () => {
    await workshop.removeModel(id)
    if (model.value?.id === id) model.value = undefined
    await refreshKept()
  })

const progressOf = (name: string) =>
  proxy((done: number, of: number) => void (opening.value = { name, done, of }))

async function opened(name: string, open: () => Promise<NonNullable<typeof model.value>>): Promise<void> {
  opening.value = { name, done: 0, of: 1 }
  try {
    model.value = await open()
    after.value = undefined
    remember(model.value.id)
  } finally {
    opening.value = undefined
  }
  void examine()
}

/** The model that was opened last. */
export function remembered(): string | null {
  try {
    return localStorage.getItem(LAST)
  } catch {
    return null
  }
}

function remember(id: string): void {
  try {
    localStorage.setItem(LAST, id)
  } catch {
    // Storage is closed to this page: the first one is opened next time.
  }
}
