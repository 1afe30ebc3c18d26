/** @module */
import { computed } from '@preact/signals'

import { examined } from './state.ts'

/** What comes before the answer in the first examples. */
export const firstPrompts = computed(() => {
  const prompts = (examined.value?.examples ?? []).map(({ pieces }) => {
    const answer = pieces.findIndex(({ loss }) => loss)
    return pieces
      .slice(0, answer < 0 ? pieces.length : answer)
      .map(({ text }) => text)
      .join('')
  })
  return [...new Set(prompts)].filter((prompt) => prompt.trim() !== '').slice(0, 4)
})
