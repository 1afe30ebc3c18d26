/** @module */
import type { ComponentChildren, JSX } from 'preact'

import type { Column } from './writing.ts'

interface AnswerProps {
  readonly title: string
  readonly note?: ComponentChildren
  readonly column: Column | undefined
  /** Whether it says how long it took to change to this writer. */
  readonly swap?: boolean
}

/** What someone writes, as it comes. */
export const Answer = ({ title, note, column, swap = false }: AnswerProps): JSX.Element => (
  <section class="answer" aria-label={title} aria-busy={column !== undefined && column.state !== 'done'}>
    <div class="answer-head">
      <h3>{title}</h3>
      {note !== undefined && <div class="quiet small">{note}</div>}
    </div>
    <div class="answer-text" data-state={column?.state ?? 'none'}>
      {column?.text.trimStart()}
    </div>
    <div class="quiet small answer-foot">{column && footOf(column, swap)}</div>
  </section>
)

function footOf({ state, written }: Column, swap: boolean): string {
  if (!written) return state === 'waiting' ? 'thinking…' : 'writing…'
  const { tokens, seconds } = written
  const words = [`${tokens} tokens`, `${(tokens / Math.max(seconds, 1e-3)).toFixed(0)} a second`]
  return [...words, ...(swap ? [`swapped in ${written.swap.toFixed(1)} ms`] : [])].join(' · ')
}
