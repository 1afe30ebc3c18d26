/** Writing before and after, side by side. @module */
import { effect, signal } from '@preact/signals'
import { proxy } from 'comlink'

import { workshop } from './workshop.ts'
import { byFrame } from './by_frame.ts'
import { firstPrompts } from './prompts.ts'
import { attempt } from './said.ts'
import { after } from './state.ts'
import { userError } from './settings.ts'
import type { WriteRequest, Written } from '../worker/workshop.ts'

/** What someone writes, as it comes. */
export interface Column {
  readonly text: string
  readonly state: 'waiting' | 'writing' | 'done'
  readonly written?: Written
}

export const prompt = signal('Word: lantern ; Definition:')
export const options = { temperature: signal(0), length: signal(40), seed: signal(1) }
export const writing = signal(false)
export const columns = {
  before: signal<Column | undefined>(undefined),
  after: signal<Column | undefined>(undefined),
}

/** The prompt that was put there for someone, not by them. */
let suggested = prompt.value

// The first of the examples is where one can look at once, until something else is written.
effect(() => {
  const [first] = firstPrompts.value
  if (first === undefined || prompt.peek() !== suggested) return
  suggested = first
  prompt.value = first
})

// What someone else wrote is not what this one writes.
effect(() => {
  void after.value
  columns.after.value = undefined
})

export const compare = (): Promise<boolean> =>
  attempt('compare', async () => {
    if (prompt.value === '') throw userError('there is no prompt; write one, or take one of your examples')
    writing.value = true
    const request = {
      prompt: prompt.value,
      max_new_tokens: options.length.value,
      temperature: options.temperature.value,
      seed: options.seed.value,
    }
    columns.after.value = undefined
    try {
      // The adapter first, as what has room for it has room for none.
      await Promise.all([
        ...(after.value ? [write({ ...request, writer: after.value }, columns.after)] : []),
        write({ ...request, writer: { kind: 'model' } }, columns.before),
      ])
    } finally {
      writing.value = false
    }
  })

export const stop = (): Promise<boolean> => attempt('compare', () => workshop.stopWriting())

export async function write(request: WriteRequest, column: { value: Column | undefined }): Promise<Written> {
  column.value = { text: '', state: 'waiting' }
  let ended = false
  const show = byFrame((pieces) => {
    if (!ended) column.value = { text: (column.value?.text ?? '') + pieces, state: 'writing' }
  })
  try {
    const written = await workshop.write(request, proxy(show))
    ended = true
    column.value = { text: written.text, state: 'done', written }
    return written
  } catch (error) {
    ended = true
    column.value = undefined
    throw error
  }
}
