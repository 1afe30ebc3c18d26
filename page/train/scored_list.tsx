/** @module */
import type { JSX } from 'preact'

import { shortNumber } from '../parts/numbers.ts'
import type { Scored } from './state.ts'

interface ScoredListProps {
  readonly title: string
  readonly scored: readonly Scored[]
}

/** Responses with what a reward function gave for them. */
export const ScoredList = ({ title, scored }: ScoredListProps): JSX.Element => (
  <figure class="scored">
    <figcaption class="quiet small">{title}</figcaption>
    <ul>
      {scored.map(({ prompt, response, score }, i) => (
        <li key={i}>
          <span class="score" aria-label={`Score ${shortNumber(score)}`}>
            {shortNumber(score)}
          </span>
          <span>
            <span class="quiet">{prompt}</span>
            {response}
          </span>
        </li>
      ))}
    </ul>
  </figure>
)
