/** @module */
import type { JSX } from 'preact'

import { firstPrompts } from './prompts.ts'

/** The first of the examples, to take one. */
export const Suggestions = ({ take }: { readonly take: (text: string) => void }): JSX.Element | null =>
  firstPrompts.value.length === 0 ? null : (
    <div class="row chips">
      <span class="quiet small">From your examples:</span>
      {firstPrompts.value.map((text) => (
        <button type="button" class="chip" key={text} onClick={() => take(text)}>
          {text}
        </button>
      ))}
    </div>
  )
