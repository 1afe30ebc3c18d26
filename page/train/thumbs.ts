/** Two answers to a prompt, and which one is better. @module */
import { computed, signal } from '@preact/signals'

import { workshop } from './workshop.ts'
import { take } from './examples.ts'
import { attempt } from './said.ts'
import { preferences } from './state.ts'
import { userError } from './settings.ts'
import type { Column } from './writing.ts'
import { write } from './writing.ts'
import type { Preference } from '../worker/workshop.ts'

export const thumbPrompt = signal('Word: lantern ; Definition:')
export const answers = [signal<Column | undefined>(undefined), signal<Column | undefined>(undefined)] as const
/** What both answer. */
const asked = signal('')
let seed = 1

/** Whether there are two whole answers to choose from. */
export const choosable = computed(() => answers.every(({ value }) => value?.state === 'done'))
export const answering = computed(() => answers.some(({ value }) => value && value.state !== 'done'))

export const answerTwice = (): Promise<boolean> =>
  attempt('thumbs', async () => {
    if (thumbPrompt.value === '') throw userError('there is no prompt; write one')
    asked.value = thumbPrompt.value
    const request = {
      prompt: asked.value,
      writer: { kind: 'model' },
      max_new_tokens: 32,
      temperature: 0.9,
    } as const
    await Promise.all(answers.map((answer) => write({ ...request, seed: seed++ }, answer)))
  })

/** Keeps which one is better, and goes on to two new ones. */
export const choose = (better: 0 | 1): Promise<boolean> =>
  attempt('thumbs', async () => {
    const [chosen, rejected] = [answers[better].value!.text, answers[1 - better]!.value!.text]
    for (const answer of answers) answer.value = undefined
    if (chosen === rejected)
      throw userError('both answers are the same, so neither is better; ask for two others')
    await keep([...preferences.value, { prompt: asked.value, chosen, rejected }])
    void answerTwice()
  })

export const forget = (pair: Preference): Promise<boolean> =>
  attempt('thumbs', () => keep(preferences.value.filter((one) => one !== pair)))

async function keep(all: readonly Preference[]): Promise<void> {
  preferences.value = all
  await workshop.keepPreferences(all)
}

/** Makes them the examples of the next run. */
export const learnFromThumbs = (): Promise<boolean> =>
  attempt('thumbs', () => {
    const lines = preferences.value.map((pair) => `${JSON.stringify(pair)}\n`)
    return take({ name: 'thumbs.jsonl', blob: new Blob(lines) })
  })
