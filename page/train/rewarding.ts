/** Trying a reward function on two samples. @module */
import { signal } from '@preact/signals'

import { connectSandbox, workshop } from './workshop.ts'
import { attempt } from './said.ts'
import { reward } from './state.ts'
import type { Scored } from './state.ts'
import { firstPrompts } from './prompts.ts'
import { tasks } from './tasks.ts'

export const tried = signal<readonly Scored[] | undefined>(undefined)
export const trying = signal(false)

/** Without examples there is a prompt to answer, too. */
const PROMPT = 'Word: lantern ; Definition:'

export const tryReward = (): Promise<boolean> =>
  attempt('reward', async () => {
    trying.value = true
    try {
      await connectSandbox()
      const prompt = firstPrompts.value[0] ?? PROMPT
      const { temperature, max_new_tokens } = tasks.ppo.options!(2) as {
        temperature: number
        max_new_tokens: number
      }
      const samples: { prompt: string; response: string }[] = []
      for (const seed of [1, 2]) {
        const request = { prompt, writer: { kind: 'model' }, max_new_tokens, temperature, seed } as const
        samples.push({ prompt, response: (await workshop.write(request)).text })
      }
      const scores = await workshop.tryReward(reward.value, samples)
      tried.value = samples.map((sample, i) => ({ ...sample, score: scores[i]! }))
    } catch (error) {
      tried.value = undefined
      throw error
    } finally {
      trying.value = false
    }
  })
